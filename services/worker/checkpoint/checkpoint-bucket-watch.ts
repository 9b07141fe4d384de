import type { KV } from "@nats-io/kv";
import type { Logger } from "../../../libs/telemetry/logger.ts";

/** Has all checkpoints written again when their bucket was made anew: it has lost those of idle processors. */
export class CheckpointBucketWatch {
  readonly #bucket: Pick<KV, "status">;
  readonly #log: Pick<Logger, "warn">;
  /** When the bucket was created; "" before it was looked at. */
  #since = "";

  constructor(bucket: Pick<KV, "status">, log: Pick<Logger, "warn">) {
    this.#bucket = bucket;
    this.#log = log;
  }

  /** Writes the checkpoints of these processors if the bucket was made anew since this was called last. */
  async look(processors: () => Iterable<{ writeCheckpoint(): Promise<void> }>): Promise<void> {
    const { created } = (await this.#bucket.status()).streamInfo;
    const before = this.#since;
    this.#since = created;
    if (before === "" || before === created) return;
    this.#log.warn("the bucket of checkpoints was made anew, they are written again");
    await Promise.all([...processors()].map((processor) => processor.writeCheckpoint()));
  }
}
