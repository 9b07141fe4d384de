import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import { nuid } from "@nats-io/transport-node";
import type { HeldLease } from "../model/held-lease.ts";
import { checkHeld } from "../model/held-lease.ts";
import { LeaseLost, NatsAway } from "../model/interruptions.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { firstCheckpoint } from "./checkpoint.ts";
import { degradationsOfText, degradedText } from "./degradation.ts";

/**
 * A checkpoint as the bucket has it. `degraded` has what `degradations` say as one sentence. Older versions
 * know only the sentence. They read and write it, and keep all other fields.
 */
type StoredCheckpoint = Omit<Checkpoint, "degradations"> & {
  degraded: string;
  degradations?: Checkpoint["degradations"];
};

/**
 * The value of a processor's key. It is the checkpoint if that is small. Otherwise it has the fields that
 * others read, and says where the parts of the checkpoint are.
 */
type Stored =
  | (StoredCheckpoint & { parts?: undefined })
  | (Pick<Checkpoint, "applied" | "ingestions" | "unknownThrough"> & { parts: Parts });

/** What the store needs of its bucket. With revision 0, `update` writes a key that is not there (`withCheapUpdates`). */
export type CheckpointBucket = Pick<KV, "update" | "put"> & {
  keys(filter: string): Promise<AsyncIterable<string>>;
  get(key: string): Promise<Pick<KvEntry, "revision" | "operation" | "value" | "json" | "string"> | null>;
};

/** Where the parts of a checkpoint are whose text is too large for one message. */
interface Parts {
  /** A name that is new with every write, so that the parts of the earlier checkpoint are not overwritten. */
  group: string;
  count: number;
}

/**
 * The checkpoint in a stored one. A field that an older version did not know has the value of the first
 * checkpoint. `degradations` counts only if it says the same as `degraded`. Otherwise an older version has
 * written the sentence since, and that counts.
 */
function checkpointOf({ degraded, degradations, ...rest }: StoredCheckpoint): Checkpoint {
  const isCurrent = degradations !== undefined && degradedText(degradations) === degraded;
  return {
    ...firstCheckpoint,
    ...rest,
    degradations: isCurrent ? degradations : degradationsOfText(degraded),
  };
}

/** The largest part. It is well below 1 MB, which NATS takes in a message unless it is told otherwise. */
const partBytes = 256 * 1024;

/**
 * One processor's checkpoint in the bucket. It is written by compare-and-set. So a writer that is no longer
 * the only one fails, instead of taking the checkpoint back (A5).
 */
export class CheckpointStore {
  readonly #bucket: CheckpointBucket;
  readonly #processor: string;
  readonly #lease: HeldLease;
  /** Removes keys of the bucket, and their history. It may fail. */
  readonly #drop: (keys: string) => Promise<void>;
  #revision = 0;
  #group: string | undefined;
  #isSwept = false;
  /** The texts of writes that got no answer. They may have been written, or may be written later. */
  readonly #unanswered = new Set<string>();

  constructor(
    bucket: CheckpointBucket,
    processor: string,
    lease: HeldLease,
    drop: (keys: string) => Promise<void>,
  ) {
    this.#bucket = bucket;
    this.#processor = processor;
    this.#lease = lease;
    this.#drop = drop;
  }

  /** The revision of the checkpoint that was loaded or saved last; 0 if there is none. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * The persisted checkpoint; undefined if there is none yet, or if it is damaged: its text is none, or one of its
   * parts is gone.
   */
  async load(): Promise<Checkpoint | undefined> {
    const entry = await this.#bucket.get(this.#processor);
    this.#revision = entry?.revision ?? 0;
    if (entry?.operation !== "PUT") return undefined;
    const stored = parsed<Stored>(entry.string());
    if (stored?.parts === undefined) return stored && checkpointOf(stored);
    this.#group = stored.parts.group;
    const bytes = await this.#readParts(stored.parts);
    if (bytes) {
      const whole = parsed<StoredCheckpoint>(bytes.toString());
      return whole && checkpointOf(whole);
    }
    // An earlier worker may have written another checkpoint meanwhile, and removed these parts.
    const isSame = (await this.#bucket.get(this.#processor))?.revision === entry.revision;
    return isSame ? undefined : this.load();
  }

  /**
   * Persists a checkpoint. Rejects with LeaseLost if somebody else has written one since `load`, or if the lease is
   * gone, and with NatsAway if NATS does not answer.
   */
  async save(checkpoint: Checkpoint): Promise<void> {
    const before = this.#group;
    try {
      await this.#adoptUnanswered();
      const text = await this.#storedText(checkpoint);
      this.#unanswered.add(text);
      this.#revision = await this.#write(text);
      this.#unanswered.clear();
    } catch (error) {
      if (isOutrun(error)) {
        throw new LeaseLost(`${this.#processor}: another worker has written the checkpoint`);
      }
      if (error instanceof LeaseLost) throw error;
      throw new NatsAway("the checkpoint cannot be written", { cause: error });
    }
    if (before !== undefined && before !== this.#group) await this.#dropGroup(before);
  }

  /**
   * Writes the text, if the bucket has what this store has written last. Resolves to the new revision. It needs the
   * lease, too: in a bucket that went back to an earlier state, the revision may by now be another writer's.
   */
  async #write(text: string): Promise<number> {
    checkHeld(this.#lease, this.#processor);
    try {
      return await this.#bucket.update(this.#processor, text, this.#revision);
    } catch (error) {
      // A bucket that was deleted and made anew has nothing. Nobody else has written, so nothing is taken back.
      const wasThere = this.#revision > 0 && isOutrun(error);
      const isGone = wasThere && (await this.#bucket.get(this.#processor)) === null;
      if (!isGone || !this.#lease.held) throw error;
      return this.#bucket.update(this.#processor, text, 0);
    }
  }

  /**
   * The text to store at the processor's key. A small checkpoint is stored as a whole. Otherwise the parts
   * are written first, and the text says where they are.
   */
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
    const { applied, ingestions, unknownThrough } = checkpoint;
    return JSON.stringify({ applied, ingestions, unknownThrough, parts: { group, count } } satisfies Stored);
  }

  /** The text of a checkpoint that is stored in parts; undefined if one of them is missing. */
  async #readParts({ group, count }: Parts): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const entry = await this.#bucket.get(this.#partKey(group, index));
      if (entry?.operation !== "PUT") return undefined;
      parts.push(entry.value);
    }
    return Buffer.concat(parts);
  }

  /**
   * Finds out whether a write that got no answer was carried out. If it was, the text in the bucket is that
   * of this store, and its revision is taken over.
   */
  async #adoptUnanswered(): Promise<void> {
    if (this.#unanswered.size === 0) return;
    const entry = await this.#bucket.get(this.#processor);
    if (!entry || !this.#unanswered.has(entry.string())) return;
    this.#revision = entry.revision;
    this.#unanswered.clear();
  }

  /** Removes the parts that a crash has left behind. It does so once in this store's life. */
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

  /** Removes the parts of one write. A failure does no harm: they are swept later. */
  async #dropGroup(group: string): Promise<void> {
    await this.#drop(`${this.#processor}.${group}.>`).catch(() => {
      this.#isSwept = false;
    });
  }

  #partKey(group: string, index: number): string {
    return `${this.#processor}.${group}.${index}`;
  }
}

/** What a text says; undefined if it is no JSON. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether somebody else has written the key. Only this code counts. `isConflict` knows another one, with which a
 * cluster refuses one of two writes that come at once. The other of these two writes may be an earlier one of
 * this store.
 */
function isOutrun(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}
