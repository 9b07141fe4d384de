import type { IngestionRecord, IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

type Identity = Pick<IngestionRecord, "processor" | "ingestion" | "after" | "intake">;

const saveEveryMs = 1_000;
const maxNamed = 100;
const maxDetail = 300;
const lastSaveAttempts = 3;

/**
 * The record of an ingestion, in the hands of the intake that fills it: persisted every second, by compare-and-set, so one whose
 * ingestion was taken over notices (`isLost`). What is persisted is never ahead of what is stored (A6).
 *
 * Of a request that is sent again the lines up to `line` are counted already.
 */
export class IntakeRecord {
  readonly current: IngestionRecord;
  /** The record that an earlier sending has left. */
  readonly found: Readonly<IngestionRecord> | undefined;
  readonly #store: IngestionStore;
  readonly #timer: NodeJS.Timeout;
  #revision: number;
  #isChanged = false;
  #isLost = false;
  #isSaving = false;
  #saving: Promise<unknown> = Promise.resolve();

  private constructor(
    store: IngestionStore,
    current: IngestionRecord,
    revision: number,
    found: IngestionRecord | undefined,
  ) {
    this.#store = store;
    this.current = current;
    this.#revision = revision;
    this.found = found;
    this.#timer = setInterval(() => void this.#saveNow(), saveEveryMs);
  }

  /**
   * Makes the record, or takes on the one that an earlier sending has left, unless that `isOwned`. Throws KEY_RUNNING where
   * another intake has it.
   */
  static async open(
    store: IngestionStore,
    identity: Identity,
    isOwned: () => Promise<boolean>,
  ): Promise<IntakeRecord> {
    const { processor, ingestion, intake } = identity;
    const made = newRecord(identity);
    const revision = await store.put(made, 0);
    if (revision !== undefined) return new IntakeRecord(store, made, revision, undefined);
    const found = await store.get(processor, ingestion);
    if (found?.record.state === "complete") {
      return new IntakeRecord(store, { ...found.record }, found.revision, found.record);
    }
    if (found && !(await isOwned())) {
      const taken: IngestionRecord = {
        ...found.record,
        intake,
        state: "accepting",
        lines: 0,
        rejected: [],
        rejected_count: 0,
      };
      const next = await store.put(taken, found.revision);
      if (next !== undefined) return new IntakeRecord(store, taken, next, found.record);
    }
    throw underWay(processor);
  }

  /** Whether another intake has it now. */
  get isLost(): boolean {
    return this.#isLost;
  }

  get #isReplay(): boolean {
    return this.found?.state === "complete";
  }

  /** Counts a line that was read. */
  read(line: number): void {
    this.current.lines = line;
    this.#isChanged = true;
  }

  /** Counts an observation that is stored, unless an earlier sending has; null: its place is not known any more. */
  stored(line: number, sequence: number | null): void {
    const { current } = this;
    if (line <= current.line) return;
    current.line = line;
    current.accepted++;
    current.first_sequence ??= sequence;
    current.last_sequence = sequence ?? current.last_sequence;
    this.#isChanged = true;
  }

  learned(sequence: number | null): void {
    this.current.learn_sequence = sequence ?? this.current.learn_sequence;
    this.#isChanged = true;
  }

  /** Counts a line that was refused; the first hundred are named. */
  reject(line: number, detail: string): void {
    if (this.#isReplay) return;
    const { rejected } = this.current;
    this.current.rejected_count++;
    if (rejected.length < maxNamed) rejected.push({ line, detail: detail.slice(0, maxDetail) });
    this.#isChanged = true;
  }

  /** What a client is told. */
  report(): Record<string, unknown> {
    const { ingestion, accepted, first_sequence, last_sequence, learn_sequence } = this.current;
    const { rejected, rejected_count } = this.current;
    return {
      ingestion,
      accepted,
      first_sequence,
      last_sequence,
      ...(learn_sequence !== null && { learn_sequence }),
      rejected,
      ...(rejected_count > rejected.length && { rejected_count }),
    };
  }

  /** Persists how it has ended; rejects where NATS does not let it. */
  async end(state: IngestionRecord["state"]): Promise<void> {
    if (this.#isReplay) return;
    this.current.state = state;
    for (let left = lastSaveAttempts; ; left--) {
      this.#isChanged = true;
      try {
        return await this.#saveInTurn();
      } catch (error) {
        if (left > 1) continue;
        const context = { processor: this.current.processor, retryAfterSeconds: 1 };
        throw new GatewayError("NATS_UNAVAILABLE", "NATS does not keep the ingestion.", context, {
          cause: error,
        });
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** One that fails is made good by the next; while one waits for NATS no other is begun. */
  async #saveNow(): Promise<void> {
    if (this.#isSaving) return;
    await this.#saveInTurn().catch(() => {});
  }

  #saveInTurn(): Promise<void> {
    const save = () => this.#save();
    const saving = this.#saving.then(save, save);
    this.#saving = saving.catch(() => {});
    return saving;
  }

  async #save(): Promise<void> {
    if (!this.#isChanged || this.#isLost || this.#isReplay) return;
    this.#isChanged = false;
    this.#isSaving = true;
    try {
      const revision = (await this.#store.put(this.current, this.#revision)) ?? (await this.#putAgain());
      if (revision === undefined) this.#isLost = true;
      else this.#revision = revision;
    } catch (error) {
      this.#isChanged = true;
      throw error;
    } finally {
      this.#isSaving = false;
    }
  }

  /** A write of ours that got no answer and was carried out all the same has changed the revision. */
  async #putAgain(): Promise<number | undefined> {
    const { processor, ingestion, intake } = this.current;
    const found = await this.#store.get(processor, ingestion);
    if (found?.record.intake !== intake) return undefined;
    return this.#store.put(this.current, found.revision);
  }
}

/** Another intake has the ingestion. */
export function underWay(processor: string): GatewayError {
  return new GatewayError("KEY_RUNNING", "Another sending of this request is being taken in.", {
    processor,
    effect: "none",
    retryAfterSeconds: 1,
  });
}

function newRecord(identity: Identity): IngestionRecord {
  return {
    ...identity,
    state: "accepting",
    line: 0,
    accepted: 0,
    first_sequence: null,
    last_sequence: null,
    learn_sequence: null,
    lines: 0,
    rejected: [],
    rejected_count: 0,
    created_at: new Date().toISOString(),
  };
}
