import type { KV, KvEntry } from "@nats-io/kv";
import type { StoredAt } from "../../../libs/nats/store-time.ts";
import type { Claim } from "./claims.ts";
import { kindOf, readClaim, readSession, sessionKey, workerKey, workerOfKey } from "./claims.ts";

/** What is used of the leases' bucket. */
export interface LeaseBucket extends Pick<KV, "put" | "delete"> {
  /** When an entry of this revision was stored, by JetStream's clock. */
  get(key: string): Promise<Pick<KvEntry, "revision" | "created"> | null>;
  watch(): Promise<AsyncIterable<Change> & { stop(): void }>;
}

type Change = Pick<KvEntry, "key" | "string" | "revision">;

/** An entry as the bucket has told of it last, and when. */
interface Seen {
  value: string;
  revision: number;
  at: number;
  /** The number of the watch that has told it. */
  watch: number;
}

/** A claim that stands in the bucket, at this revision. */
export interface SeenClaim extends Claim {
  revision: number;
}

/**
 * Which workers are alive, and who holds which lease, as far as the bucket of leases has told.
 *
 * The bucket does not tell when an entry's life is over. So an entry that was not written again for a lease's
 * life counts as gone. A claim that rests on a session counts for as long as that one. A watch that tells nothing for a
 * lease's life, not even what this worker itself writes, may have been on a server that is gone. So it is replaced.
 */
export class Membership {
  #lifeMs: number;
  readonly #bucket: LeaseBucket;
  readonly #me: string;
  readonly #leaseMs: number;
  readonly #seen = new Map<string, Seen>();
  readonly #onChange: () => void;
  #stop: () => void = () => {};
  #isRetired = false;
  #watchedSince = 0;
  /** How many watches there were. */
  #watches = 0;
  /** The sessions that were alive when it was last looked. */
  #sessions = "";

  private constructor(bucket: LeaseBucket, me: string, leaseMs: number, onChange: () => void) {
    this.#bucket = bucket;
    this.#me = me;
    this.#leaseMs = leaseMs;
    this.#lifeMs = leaseMs;
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
    this.#forget();
    const key = workerKey(this.#me);
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
    await this.#bucket.delete(workerKey(this.#me));
  }

  /**
   * Which other worker holds the lease of each processor. This worker knows its own leases better: a claim of its own
   * may stand although its lease is lost.
   */
  get otherHolders(): Map<string, string> {
    const holders = new Map<string, string>();
    for (const key of this.#seen.keys()) {
      const claim = this.claimOn(key);
      if (claim && claim.worker !== this.#me && this.isHeld(claim)) holders.set(key, claim.worker);
    }
    return holders;
  }

  /** What each worker that is alive was told to run. */
  get workers(): Map<string, string[] | "*"> {
    const workers = this.#ofKind("worker").filter(([key, { at }]) => {
      const session = this.sessionOf(workerOfKey(key));
      return isFresh(at, this.#leaseMs * 1.1) && (!session || session.unchangedMs <= session.leaseMs);
    });
    return new Map(workers.map(([key, { value }]) => [workerOfKey(key), JSON.parse(value)]));
  }

  /** How long an entry of the bucket lives: LEASE_MS or longer. */
  get lifeMs(): number {
    return this.#lifeMs;
  }

  set lifeMs(ms: number) {
    // What has expired by now stays gone.
    for (const [key, { at }] of this.#seen) if (!isFresh(at, this.#lifeMs * 1.1)) this.#seen.delete(key);
    this.#lifeMs = ms;
  }

  /** The claim that stands on a processor, whether its worker is alive or not. */
  claimOn(processor: string): SeenClaim | undefined {
    const seen = this.#seen.get(processor);
    if (!seen || kindOf(processor) !== "claim" || !isFresh(seen.at, this.#lifeMs * 1.1)) return undefined;
    return { ...readClaim(seen.value), revision: seen.revision };
  }

  /** Whether the worker of a claim may still believe in it, as far as can be seen. */
  isHeld({ worker, epoch }: Claim): boolean {
    if (epoch === undefined) return true;
    const session = this.sessionOf(worker);
    return session?.epoch === epoch && session.unchangedMs <= session.leaseMs;
  }

  /** The latest session of a worker, and for how long this entry of it was not written again. */
  sessionOf(worker: string) {
    const seen = this.#seen.get(sessionKey(worker));
    if (!seen) return undefined;
    const { revision } = seen;
    return { ...readSession(seen.value, revision), revision, unchangedMs: performance.now() - seen.at };
  }

  /** Whether every worker that is alive has a session, and no claim stands that rests on none. */
  get haveAllSessions(): boolean {
    if ([...this.workers.keys()].some((worker) => !this.sessionOf(worker))) return false;
    return this.#ofKind("claim").every(
      ([, { value, at }]) => readClaim(value).epoch !== undefined || !isFresh(at, this.#lifeMs * 1.1),
    );
  }

  /** Tells of sessions whose time is over, which the bucket does not tell of. To be called often. */
  look(): void {
    const alive = this.#ofKind("session").filter(([key]) => {
      const session = this.sessionOf(workerOfKey(key));
      return session && session.unchangedMs <= session.leaseMs;
    });
    const before = this.#sessions;
    this.#sessions = alive.map(([key]) => key).join();
    if (this.#sessions !== before) this.#onChange();
  }

  /** Forgets what the present watch has not told, some time after it was begun: it went while nothing was told. */
  #forget(): void {
    if (performance.now() - this.#watchedSince < this.#leaseMs / 4) return;
    for (const [key, { watch }] of this.#seen) if (watch < this.#watches) this.#seen.delete(key);
  }

  #ofKind(kind: ReturnType<typeof kindOf>): [string, Seen][] {
    return [...this.#seen].filter(([key]) => kindOf(key) === kind);
  }

  async #watch(): Promise<void> {
    this.#stop();
    const changes = await this.#bucket.watch();
    this.#watchedSince = performance.now();
    this.#watches++;
    this.#stop = () => changes.stop();
    if (this.#isRetired) this.#stop();
    void (async () => {
      for await (const change of changes) {
        if (this.#take(change)) this.#onChange();
      }
    })();
  }

  /**
   * Notes a change. Returns whether a lease or a worker has come or gone that this worker did not write
   * itself.
   */
  #take(change: Change): boolean {
    const { key, revision } = change;
    const before = this.#seen.get(key);
    const value = change.string();
    // Only a removal has no value. The operation is not asked for, because that would parse the headers of
    // each renewal of each lease.
    if (value === "") {
      // Whoever has ended the session knows that its worker is gone.
      if (kindOf(key) === "session") this.#seen.delete(workerKey(workerOfKey(key)));
      return this.#seen.delete(key);
    }
    // A watch that is begun anew tells again of what was told already.
    const isSame = before?.revision === revision;
    this.#seen.set(key, {
      value,
      revision,
      at: isSame ? before.at : performance.now(),
      watch: this.#watches,
    });
    return before?.value !== value && readClaim(value).worker !== this.#me;
  }
}

const isFresh = (at: number, forMs: number) => at > performance.now() - forMs;
