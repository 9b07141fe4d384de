import type { KV } from "@nats-io/kv";

/** What the applier persists of a processor (DESIGN.md, The applier). */
export interface Checkpoint {
  /** The sequence up to which the instance has the effect of every command. */
  applied: number;
  /** KATO's count of Observes in the last response seen. */
  interval: number;
  /** The unique_id of the latest observation that succeeded, "" before the first. */
  latestUniqueId: string;
}

export const emptyCheckpoint: Checkpoint = { applied: 0, interval: 0, latestUniqueId: "" };

/**
 * One processor's checkpoint in the bucket. It is written by compare-and-set, so a writer that is no longer the only one
 * fails instead of taking the checkpoint back.
 */
export class CheckpointStore {
  readonly #bucket: KV;
  readonly #processor: string;
  #revision = 0;

  constructor(bucket: KV, processor: string) {
    this.#bucket = bucket;
    this.#processor = processor;
  }

  async load(): Promise<Checkpoint> {
    const entry = await this.#bucket.get(this.#processor);
    this.#revision = entry?.revision ?? 0;
    return entry?.operation === "PUT" ? entry.json<Checkpoint>() : emptyCheckpoint;
  }

  /** Rejects when somebody else has written since the last `load` or `save`. */
  async save(checkpoint: Checkpoint): Promise<void> {
    this.#revision = await this.#bucket.update(this.#processor, JSON.stringify(checkpoint), this.#revision);
  }
}
