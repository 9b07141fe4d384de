import { JetStreamApiError } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { Interrupted } from "./call.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { LeaseLost } from "./lease.ts";

const wrongLastSequence = 10071;

/**
 * One processor's checkpoint in the bucket. It is written by compare-and-set, so a writer that is no longer the only one
 * fails instead of taking the checkpoint back (A5).
 */
export class CheckpointStore {
  readonly #bucket: KV;
  readonly #processor: string;
  #revision = 0;
  /** What was written without an answer: it may stand there. */
  readonly #unanswered = new Set<string>();

  constructor(bucket: KV, processor: string) {
    this.#bucket = bucket;
    this.#processor = processor;
  }

  /** The persisted checkpoint, undefined when there is none yet. */
  async load(): Promise<Checkpoint | undefined> {
    const entry = await this.#bucket.get(this.#processor);
    this.#revision = entry?.revision ?? 0;
    return entry?.operation === "PUT" ? entry.json<Checkpoint>() : undefined;
  }

  /** Rejects with LeaseLost when somebody else has written since `load`, with Interrupted when NATS does not answer. */
  async save(checkpoint: Checkpoint): Promise<void> {
    const text = JSON.stringify(checkpoint);
    try {
      await this.#adoptUnanswered();
      this.#unanswered.add(text);
      this.#revision =
        this.#revision === 0
          ? await this.#bucket.create(this.#processor, text)
          : await this.#bucket.update(this.#processor, text, this.#revision);
      this.#unanswered.clear();
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === wrongLastSequence) {
        throw new LeaseLost(`${this.#processor}: another worker has written the checkpoint`);
      }
      if (error instanceof LeaseLost) throw error;
      throw new Interrupted("the checkpoint cannot be written", { cause: error });
    }
  }

  /** A write of ours that got no answer and was carried out all the same is nobody else's. */
  async #adoptUnanswered(): Promise<void> {
    if (this.#unanswered.size === 0) return;
    const entry = await this.#bucket.get(this.#processor);
    if (entry && this.#unanswered.has(entry.string())) this.#revision = entry.revision;
    this.#unanswered.clear();
  }
}
