import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import { nuid } from "@nats-io/transport-node";
import { LeaseLost, NatsAway } from "../model/interruptions.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { firstCheckpoint } from "./checkpoint.ts";
import { degradationsOfText, degradedText } from "./degradation.ts";

/**
 * A checkpoint as the bucket has it. `degraded` is what `degradations` say, as one sentence: versions that
 * know no list read and write that alone, and drop nothing of the rest.
 */
type StoredCheckpoint = Omit<Checkpoint, "degradations"> & {
  degraded: string;
  degradations?: Checkpoint["degradations"];
};

/** What stands at a processor's key: the checkpoint, or what others read of it and where the rest is. */
type Stored =
  | (StoredCheckpoint & { parts?: undefined })
  | (Pick<Checkpoint, "applied" | "ingestions"> & { parts: Parts });

/** What the store needs of its bucket. */
export type CheckpointBucket = Pick<KV, "create" | "update" | "put" | "keys"> & {
  get(key: string): Promise<Pick<KvEntry, "revision" | "operation" | "value" | "json" | "string"> | null>;
};

/** Where the pieces of a checkpoint stand whose text is larger than one message should be. */
interface Parts {
  /** New with every write, so that the pieces of the checkpoint before it are not overwritten. */
  group: string;
  count: number;
}

/**
 * The checkpoint that is stored so. What an older version did not know of is as in the first one. The list of
 * what is amiss counts where it says the same as the sentence, which an older version may have written since.
 */
function checkpointOf({ degraded, degradations, ...rest }: StoredCheckpoint): Checkpoint {
  const isCurrent = degradations !== undefined && degradedText(degradations) === degraded;
  return {
    ...firstCheckpoint,
    ...rest,
    degradations: isCurrent ? degradations : degradationsOfText(degraded),
  };
}

/** NATS takes 1 MB in a message unless it is told otherwise. */
const partBytes = 256 * 1024;

/**
 * One processor's checkpoint in the bucket. It is written by compare-and-set, so a writer that is no longer
 * the only one fails instead of taking the checkpoint back (A5).
 */
export class CheckpointStore {
  readonly #bucket: CheckpointBucket;
  readonly #processor: string;
  /** Removes keys of the bucket for good. It may fail. */
  readonly #drop: (keys: string) => Promise<void>;
  #revision = 0;
  #group: string | undefined;
  #isSwept = false;
  /** What was written and got no answer: it may stand there, or come to stand there. */
  readonly #unanswered = new Set<string>();

  constructor(bucket: CheckpointBucket, processor: string, drop: (keys: string) => Promise<void>) {
    this.#bucket = bucket;
    this.#processor = processor;
    this.#drop = drop;
  }

  /** The persisted checkpoint, undefined when there is none yet. */
  async load(): Promise<Checkpoint | undefined> {
    const entry = await this.#bucket.get(this.#processor);
    this.#revision = entry?.revision ?? 0;
    if (entry?.operation !== "PUT") return undefined;
    const stored = entry.json<Stored>();
    if (stored.parts === undefined) return checkpointOf(stored);
    this.#group = stored.parts.group;
    return checkpointOf(JSON.parse((await this.#readParts(stored.parts)).toString()));
  }

  /**
   * Rejects with LeaseLost when somebody else has written since `load`, with NatsAway when NATS does not
   * answer.
   */
  async save(checkpoint: Checkpoint): Promise<void> {
    const before = this.#group;
    try {
      await this.#adoptUnanswered();
      const text = await this.#storedText(checkpoint);
      this.#unanswered.add(text);
      this.#revision =
        this.#revision === 0
          ? await this.#bucket.create(this.#processor, text)
          : await this.#bucket.update(this.#processor, text, this.#revision);
      this.#unanswered.clear();
    } catch (error) {
      // Not `isConflict`: what a cluster tells of two at once may be about an earlier write of ours.
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence) {
        throw new LeaseLost(`${this.#processor}: another worker has written the checkpoint`);
      }
      if (error instanceof LeaseLost) throw error;
      throw new NatsAway("the checkpoint cannot be written", { cause: error });
    }
    if (before !== undefined && before !== this.#group) await this.#dropGroup(before);
  }

  /** The checkpoint's text where it is small; else what stands for it, once its parts are written. */
  async #storedText(checkpoint: Checkpoint): Promise<string> {
    const degraded = degradedText(checkpoint.degradations);
    const text = JSON.stringify({ ...checkpoint, degraded } satisfies StoredCheckpoint);
    this.#group = undefined;
    if (text.length <= partBytes) return text;
    await this.#sweep();
    const bytes = Buffer.from(text);
    const group = nuid.next();
    const count = Math.ceil(bytes.length / partBytes);
    for (let index = 0; index < count; index++) {
      const part = bytes.subarray(index * partBytes, (index + 1) * partBytes);
      await this.#bucket.put(this.#partKey(group, index), part);
    }
    this.#group = group;
    const { applied, ingestions } = checkpoint;
    return JSON.stringify({ applied, ingestions, parts: { group, count } } satisfies Stored);
  }

  async #readParts({ group, count }: Parts): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const entry = await this.#bucket.get(this.#partKey(group, index));
      if (!entry) throw new Error(`a part of the checkpoint of ${this.#processor} is missing`);
      parts.push(entry.value);
    }
    return Buffer.concat(parts);
  }

  /**
   * A write of this store that got no answer may have been carried out: then what stands there is this
   * store's own.
   */
  async #adoptUnanswered(): Promise<void> {
    if (this.#unanswered.size === 0) return;
    const entry = await this.#bucket.get(this.#processor);
    if (!entry || !this.#unanswered.has(entry.string())) return;
    this.#revision = entry.revision;
    this.#unanswered.clear();
  }

  /** Removes, once in this store's life, the parts that a crash has left behind. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return;
    const entry = await this.#bucket.get(this.#processor);
    const used = entry?.operation === "PUT" ? entry.json<Stored>().parts?.group : undefined;
    const groups = new Set<string>();
    for await (const key of await this.#bucket.keys(`${this.#processor}.>`)) {
      groups.add(key.split(".")[1] ?? "");
    }
    for (const group of groups) if (group !== used) await this.#dropGroup(group);
    this.#isSwept = true;
  }

  /** A failure does no harm: what is not removed now is swept some other time. */
  async #dropGroup(group: string): Promise<void> {
    await this.#drop(`${this.#processor}.${group}.>`).catch(() => {
      this.#isSwept = false;
    });
  }

  #partKey(group: string, index: number): string {
    return `${this.#processor}.${group}.${index}`;
  }
}
