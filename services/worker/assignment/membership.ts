import type { KV, KvEntry } from "@nats-io/kv";

/**
 * Begins the keys of workers that are alive. The other keys are leases': processor ids, which have no dot.
 */
const workerPrefix = "worker.";

interface Seen {
  value: string;
  at: number;
}

/**
 * Which workers are alive, and who holds which lease, as the leases' bucket was last seen.
 *
 * The bucket does not tell when an entry's life is over: an entry that was not written again for a lease's
 * life counts as gone. A watch that for a lease's life tells nothing, not even of what this worker itself
 * writes, may have been on a server that is gone, so it is replaced.
 */
export class Membership {
  readonly #bucket: KV;
  readonly #me: string;
  readonly #leaseMs: number;
  readonly #seen = new Map<string, Seen>();
  readonly #onChange: () => void;
  #stop: () => void = () => {};
  #isRetired = false;
  #watchedSince = 0;

  private constructor(bucket: KV, me: string, leaseMs: number, onChange: () => void) {
    this.#bucket = bucket;
    this.#me = me;
    this.#leaseMs = leaseMs;
    this.#onChange = onChange;
  }

  /** Calls `onChange` when a lease or a worker comes or goes, as far as the bucket tells. */
  static async open(bucket: KV, me: string, leaseMs: number, onChange: () => void): Promise<Membership> {
    const membership = new Membership(bucket, me, leaseMs, onChange);
    await membership.#watch();
    return membership;
  }

  /** Says that this worker is alive, for another lease's life. */
  async announce(wanted: string[] | "*"): Promise<void> {
    const key = workerPrefix + this.#me;
    const toldAt = Math.max(this.#watchedSince, this.#seen.get(key)?.at ?? 0);
    await this.#bucket.put(key, JSON.stringify(wanted));
    if (performance.now() - toldAt > this.#leaseMs) await this.#watch();
  }

  /** Withdraws the announcement, so that other workers need not wait until its life is over. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.#stop();
    await this.#bucket.delete(workerPrefix + this.#me);
  }

  /** Processor → worker. */
  get holders(): Map<string, string> {
    const leases = this.#alive().filter(([key]) => !key.startsWith(workerPrefix));
    return new Map(leases.map(([key, { value }]) => [key, value]));
  }

  /** Worker → what it was told to run. */
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

  #alive(): [string, Seen][] {
    const oldest = performance.now() - this.#leaseMs * 1.1;
    return [...this.#seen].filter(([, { at }]) => at > oldest);
  }

  /** Takes a change in, and returns whether something came or went that this worker did not write itself. */
  #take(change: KvEntry): boolean {
    const { key } = change;
    const before = this.#seen.get(key);
    const value = change.string();
    // Only a removal has no value. Asking for the operation would parse the headers of each renewal of each
    // lease.
    if (value === "") return this.#seen.delete(key);
    this.#seen.set(key, { value, at: performance.now() });
    return before?.value !== value && value !== this.#me;
  }
}
