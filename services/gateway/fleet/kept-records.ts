import { GatewayError } from "../../../libs/errors/gateway-error.ts";

const countEveryMs = 5_000;
const retryAfterSeconds = 60;

/** A bucket of records that NATS removes only after their time. */
export interface RecordBucket {
  /** How many records it has. Rejects if NATS does not answer. */
  count(): Promise<number>;
}

/**
 * Keeps clients from filling a bucket of records: outcomes of commands, or ingestions. Each is kept for a day
 * or a week, and NATS holds its key in memory. Only new records of clients are refused. Workers always write
 * theirs, because a processor would stand still without them.
 *
 * The records are counted every few seconds while somebody asks. So a burst can exceed the limit by what is
 * written in that time.
 */
export class KeptRecords {
  readonly #bucket: RecordBucket;
  readonly #max: number;
  #count = 0;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(bucket: RecordBucket, max: number) {
    this.#bucket = bucket;
    this.#max = max;
  }

  /** Throws RECORDS_FULL if there are as many records as there may be. */
  checkRoom(processor: string): void {
    if (this.isFull) throw recordsFull(processor, this.#max);
  }

  /** Whether there are as many records as there may be, as counted lately. */
  get isFull(): boolean {
    void this.#countAgain();
    return this.#count >= this.#max;
  }

  async #countAgain(): Promise<void> {
    if (performance.now() - this.#countedAt < countEveryMs) return;
    this.#countedAt = performance.now();
    try {
      this.#count = await this.#bucket.count();
    } catch {
      // NATS is away. Then nothing can be stored anyway.
    }
  }
}

/** The error for a request that would need a record more. */
function recordsFull(processor: string, max: number): GatewayError {
  const detail = `Of ${max} requests it is kept what became of them, and no more may be.`;
  return new GatewayError("RECORDS_FULL", detail, { processor, effect: "none", retryAfterSeconds });
}
