import type { KV, KvEntry } from "@nats-io/kv";
import type { StoredAt } from "../../../libs/nats/store-time.ts";

/**
 * The beginning of the keys of workers that are alive. All other keys are those of leases: processor ids,
 * which have no dot.
 */
const workerPrefix = "worker.";

/** What is used of the leases' bucket. */
export interface LeaseBucket extends Pick<KV, "put" | "delete"> {
  /** When an entry of this revision was stored, by JetStream's clock. */
  get(key: string): Promise<Pick<KvEntry, "revision" | "created"> | null>;
  watch(): Promise<AsyncIterable<Change> & { stop(): void }>;
}

type Change = Pick<KvEntry, "key" | "revision" | "string">;

interface Seen {
  /** "" once it was removed. */
  value: string;
  revision: number;
  at: number;
}

/**
 * Which workers are alive, and who holds which lease, as far as the bucket of leases has told.
 *
 * The bucket does not tell when an entry's life is over. So an entry that was not written again for a lease's
 * life counts as gone. A watch that tells nothing for a lease's life, not even what this worker itself
 * writes, may have been on a server that is gone. So it is replaced.
 */
export class Membership {
  readonly #bucket: LeaseBucket;
  readonly #me: string;
  readonly #leaseMs: number;
  readonly #seen = new Map<string, Seen>();
  readonly #onChange: () => void;
  #stop: () => void = () => {};
  #isRetired = false;
  #watchedSince = 0;

  private constructor(bucket: LeaseBucket, me: string, leaseMs: number, onChange: () => void) {
    this.#bucket = bucket;
    this.#me = me;
    this.#leaseMs = leaseMs;
    this.#onChange = onChange;
  }

  /** Opens it. `onChange` is called when the bucket tells that a lease or a worker has come or gone. */
  static async open(
    bucket: LeaseBucket,
    me: string,
    leaseMs: number,
    onChange: () => void,
  ): Promise<Membership> {
    const membership = new Membership(bucket, me, leaseMs, onChange);
    await membership.#watch();
    return membership;
  }

  /**
   * Announces that this worker is alive. That counts for a lease's life. Resolves to when JetStream has stored
   * it; to undefined if that is not known.
   */
  async announce(wanted: string[] | "*"): Promise<StoredAt | undefined> {
    const key = workerPrefix + this.#me;
    const toldAt = Math.max(this.#watchedSince, this.#seen.get(key)?.at ?? 0);
    const sentAt = performance.now();
    const revision = await this.#bucket.put(key, JSON.stringify(wanted));
    const answeredAt = performance.now();
    if (answeredAt - toldAt > this.#leaseMs) await this.#watch();
    const stored = await this.#bucket.get(key).catch(() => null);
    if (stored?.revision !== revision) return undefined;
    return { sentAt, answeredAt, storeMs: stored.created.getTime() };
  }

  /** Withdraws the announcement, so that other workers need not wait until its life is over. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.#stop();
    await this.#bucket.delete(workerPrefix + this.#me);
  }

  /** Which worker holds the lease of each processor. */
  get holders(): Map<string, string> {
    const leases = this.#alive().filter(([key]) => !key.startsWith(workerPrefix));
    return new Map(leases.map(([key, { value }]) => [key, value]));
  }

  /** The revision at which a processor's lease was given back; 0 if nobody has given it back of late. */
  givenBackAt(processor: string): number {
    const seen = this.#seen.get(processor);
    return seen?.value === "" && this.#isAlive(seen) ? seen.revision : 0;
  }

  /** What each worker that is alive was told to run. */
  get workers(): Map<string, string[] | "*"> {
    const workers = this.#alive().filter(([key]) => key.startsWith(workerPrefix));
    return new Map(workers.map(([key, { value }]) => [key.slice(workerPrefix.length), JSON.parse(value)]));
  }

  async #watch(): Promise<void> {
    this.#stop();
    const changes = await this.#bucket.watch();
    this.#watchedSince = performance.now();
    this.#stop = () => changes.stop();
    if (this.#isRetired) this.#stop();
    void (async () => {
      for await (const change of changes) {
        if (this.#take(change)) this.#onChange();
      }
    })();
  }

  /** What is there, and forgets what is not any more. */
  #alive(): [string, Seen][] {
    for (const [key, seen] of this.#seen) if (!this.#isAlive(seen)) this.#seen.delete(key);
    return [...this.#seen].filter(([, { value }]) => value !== "");
  }

  #isAlive({ at }: Seen): boolean {
    return at > performance.now() - this.#leaseMs * 1.1;
  }

  /**
   * Notes a change. Returns whether a lease or a worker has come or gone that this worker did not write
   * itself.
   */
  #take(change: Change): boolean {
    const { key, revision } = change;
    const seen = this.#seen.get(key);
    const before = seen?.value ?? "";
    const value = change.string();
    // Most changes are renewals: a thousand a second are only noted, in what is there.
    if (seen) {
      if (value !== before) seen.value = value;
      seen.revision = revision;
      seen.at = performance.now();
    } else this.#seen.set(key, { value, revision, at: performance.now() });
    // Only a removal has no value. The operation is not asked for, because that would parse the headers of
    // each renewal of each lease.
    return before !== value && value !== this.#me;
  }
}
