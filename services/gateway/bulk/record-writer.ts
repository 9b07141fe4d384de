import type { IngestionRecord, IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

const saveEveryMs = 1_000;
const lastSaveAttempts = 3;

/**
 * Persists an ingestion's record every second in which it has changed. It writes by compare-and-set, so it
 * notices when another gateway has taken the ingestion over (`isLost`), and then writes no more.
 */
export class RecordWriter {
  readonly #store: IngestionStore;
  readonly #record: IngestionRecord;
  readonly #timer: NodeJS.Timeout;
  #revision: number;
  #isChanged = false;
  #isLost = false;
  #isSaving = false;
  #saving: Promise<unknown> = Promise.resolve();

  /** `record` may go on changing. `revision` is that of the record in the store. */
  constructor(store: IngestionStore, record: IngestionRecord, revision: number) {
    this.#store = store;
    this.#record = record;
    this.#revision = revision;
    this.#timer = setInterval(() => void this.#saveInBackground(), saveEveryMs);
  }

  /** Whether another intake has the ingestion now. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Takes note that the record has changed. */
  changed(): void {
    this.#isChanged = true;
  }

  /** Persists the record as it is now. Rejects with NATS_UNAVAILABLE. */
  async saveLast(): Promise<void> {
    for (let left = lastSaveAttempts; ; left--) {
      this.#isChanged = true;
      try {
        return await this.#saveAfterOthers();
      } catch (error) {
        if (left > 1) continue;
        const context = { processor: this.#record.processor, retryAfterSeconds: 1 };
        throw new GatewayError("NATS_UNAVAILABLE", "NATS does not keep the ingestion.", context, {
          cause: error,
        });
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * A failure is ignored, because the next save writes the whole record. While a save waits for NATS, no
   * other is begun.
   */
  async #saveInBackground(): Promise<void> {
    if (this.#isSaving) return;
    await this.#saveAfterOthers().catch(() => {});
  }

  #saveAfterOthers(): Promise<void> {
    const save = () => this.#save();
    const saving = this.#saving.then(save, save);
    this.#saving = saving.catch(() => {});
    return saving;
  }

  async #save(): Promise<void> {
    if (!this.#isChanged || this.#isLost) return;
    this.#isChanged = false;
    this.#isSaving = true;
    try {
      const revision = (await this.#store.put(this.#record, this.#revision)) ?? (await this.#putAgain());
      if (revision === undefined) this.#isLost = true;
      else this.#revision = revision;
    } catch (error) {
      this.#isChanged = true;
      throw error;
    } finally {
      this.#isSaving = false;
    }
  }

  /** A write of our own that got no answer may have been carried out. Then the revision is another one. */
  async #putAgain(): Promise<number | undefined> {
    const { processor, ingestion, intake } = this.#record;
    const found = await this.#store.get(processor, ingestion);
    if (found?.record.intake !== intake) return undefined;
    return this.#store.put(this.#record, found.revision);
  }
}
