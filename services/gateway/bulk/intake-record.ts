import type { IngestionRecord } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { Backend } from "../fleet/backend.ts";
import { askOwner } from "./owner.ts";
import { RecordWriter } from "./record-writer.ts";

type Identity = Pick<IngestionRecord, "processor" | "ingestion" | "after" | "intake" | "sender">;

const maxNamed = 100;
const maxDetail = 300;

/**
 * The record of an ingestion while an intake fills it. What is persisted is never ahead of what is stored
 * (A6).
 *
 * When a request is sent again, the observations up to `line` were already counted when it was sent before.
 * If all of it was stored then, the record does not change any more (`isReplay`).
 */
export class IntakeRecord {
  readonly current: IngestionRecord;
  /** The record as the request left it when it was sent before; undefined if this is the first time. */
  readonly found: Readonly<IngestionRecord> | undefined;
  /** Absent if a complete ingestion is replayed. */
  readonly #writer: RecordWriter | undefined;

  private constructor(
    current: IngestionRecord,
    found: IngestionRecord | undefined,
    writer: RecordWriter | undefined,
  ) {
    this.current = current;
    this.found = found;
    this.#writer = writer;
  }

  /**
   * Creates the record, or takes over the one that is there because the request was sent before. Throws
   * KEY_RUNNING if another intake has it, and RECORDS_FULL.
   */
  static async open({ nats, stores, kept }: Backend, identity: Identity): Promise<IntakeRecord> {
    const { ingestions } = stores;
    const { processor, ingestion, intake } = identity;
    if (kept.ingestions.isFull && !(await ingestions.get(processor, ingestion))) {
      kept.ingestions.checkRoom(processor);
    }
    const created = newRecord(identity);
    const revision = await ingestions.put(created, 0);
    if (revision !== undefined) {
      return new IntakeRecord(created, undefined, new RecordWriter(ingestions, created, revision));
    }
    const found = await ingestions.get(processor, ingestion);
    if (found?.record.state === "complete") {
      return new IntakeRecord({ ...found.record }, found.record, undefined);
    }
    if (found && (await askOwner(nats.connection, identity)) === "none") {
      const taken: IngestionRecord = {
        ...found.record,
        intake,
        state: "accepting",
        lines: 0,
        rejected: [],
        rejected_count: 0,
      };
      const next = await ingestions.put(taken, found.revision);
      if (next !== undefined) {
        return new IntakeRecord(taken, found.record, new RecordWriter(ingestions, taken, next));
      }
    }
    throw takenElsewhere(processor);
  }

  /** Whether the request was sent before, and all of it stored. */
  get isReplay(): boolean {
    return this.#writer === undefined;
  }

  /** Whether another intake has the ingestion now. */
  get isLost(): boolean {
    return this.#writer?.isLost ?? false;
  }

  /** Counts a line that was read. */
  read(line: number): void {
    this.current.lines = line;
    this.#writer?.changed();
  }

  /**
   * Counts an observation that is stored, unless it was counted when the request was sent before. The
   * sequence is null if the log no longer has the command.
   */
  stored(line: number, sequence: number | null): void {
    const { current } = this;
    if (line <= current.line) return;
    current.line = line;
    current.accepted++;
    current.first_sequence ??= sequence;
    current.last_sequence = sequence ?? current.last_sequence;
    this.#writer?.changed();
  }

  /** Takes note that the Learn at the end is stored. */
  learned(sequence: number | null): void {
    this.current.learn_sequence = sequence ?? this.current.learn_sequence;
    this.#writer?.changed();
  }

  /** Counts a line that was refused. The first hundred are named. */
  reject(line: number, detail: string): void {
    if (!this.#writer) return;
    const { rejected } = this.current;
    this.current.rejected_count++;
    if (rejected.length < maxNamed) rejected.push({ line, detail: detail.slice(0, maxDetail) });
    this.#writer.changed();
  }

  /** What the client is told of the ingestion. */
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

  /** Persists how the intake has ended. Rejects with NATS_UNAVAILABLE. */
  async end(state: IngestionRecord["state"]): Promise<void> {
    if (!this.#writer) return;
    this.current.state = state;
    await this.#writer.saveLast();
  }

  close(): void {
    this.#writer?.close();
  }
}

/** The error for a request whose ingestion another intake has. */
export function takenElsewhere(processor: string): GatewayError {
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
