import type { KV, KvEntry } from "@nats-io/kv";
import type { StoredAt } from "../../../libs/nats/store-time.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { readClaim, readSession, sessionKey, sessionText } from "./claims.ts";
import { Lease } from "./lease.ts";
import { livesUnderSessions } from "./lease-bucket.ts";
import type { LeaseBucket, SeenClaim } from "./membership.ts";
import { Membership } from "./membership.ts";
import { Session } from "./session.ts";

/** What is used of the bucket. */
export interface LeasesBucket extends Pick<KV, "create" | "update" | "put" | "delete"> {
  get(key: string): Promise<Pick<KvEntry, "revision" | "created" | "operation" | "string"> | null>;
  watch: LeaseBucket["watch"];
  status(): Promise<{ ttl: number }>;
}

export interface LeasesOptions {
  bucket: LeasesBucket;
  /** The worker's name. */
  worker: string;
  leaseMs: number;
  /** Has the entries of the bucket live for longer. Resolves once they do. */
  lengthenLives: (ms: number) => Promise<void>;
  /** After this time every server of NATS knows of such a change. */
  knownAfterMs: number;
  /** Called when a lease or a worker has come or gone. */
  onChange: () => void;
  log: Pick<Logger, "warn">;
}

const looksPerLife = 12;

/**
 * The leases of one worker: its session, and a claim under it for each processor that it runs.
 *
 * A claim counts for as long as the session that it names (A4). So to take one that stands, its session has to be over
 * for certain, which `#isOver` finds out. Only then is it replaced, by compare-and-set.
 *
 * Workers of earlier versions have no session. They count a claim as long as its entry lives. So while one of them is there,
 * entries live for LEASE_MS, and each claim is renewed three times in that time. Otherwise entries live for longer.
 */
export class Leases {
  readonly membership: Membership;
  readonly #options: LeasesOptions;
  readonly #looking: NodeJS.Timeout;
  #session: Session | undefined;
  /** The epochs of the sessions that this process has had. */
  readonly #epochs = new Set<number>();
  /** How long a claim is believed in if it is not renewed. */
  #claimLifeMs: number;
  /** Since when the entries of the bucket are known to live for longer than LEASE_MS. */
  #longerSince = Number.POSITIVE_INFINITY;
  #isNameTold = false;
  /** The finding out that is under way, by session, and what was found. */
  readonly #over = new Map<string, Promise<boolean>>();

  private constructor(options: LeasesOptions, membership: Membership) {
    this.#options = options;
    this.membership = membership;
    this.#claimLifeMs = options.leaseMs;
    this.#looking = setInterval(() => membership.look(), options.leaseMs / looksPerLife);
  }

  static async open(options: LeasesOptions): Promise<Leases> {
    const { bucket, worker, leaseMs, onChange } = options;
    return new Leases(options, await Membership.open(bucket, worker, leaseMs, onChange));
  }

  /**
   * Announces this worker, and opens a session if it has none. To be called three times in LEASE_MS. Resolves and
   * rejects as `Membership.announce`.
   */
  async announce(wanted: string[] | "*"): Promise<StoredAt | undefined> {
    if (!this.#session?.held) await this.#openSession();
    const stored = await this.membership.announce(wanted);
    await this.#followLives();
    return stored;
  }

  /**
   * Takes the lease of a processor, which this worker does not hold. Resolves to undefined if that is not possible now.
   */
  async take(processor: string, onLost: () => void): Promise<Lease | undefined> {
    const { bucket, worker, log } = this.#options;
    const session = this.#session;
    if (!session?.held) return undefined;
    const lifeMs = () => this.#claimLifeMs;
    const take = async (replaces?: number) => {
      const lease = await Lease.take({
        ...{ bucket, processor, worker, replaces, under: session, onLost, log },
        text: () => session.claim,
        get leaseMs() {
          return lifeMs();
        },
      });
      return lease?.held ? lease : undefined;
    };
    const claim = this.membership.claimOn(processor);
    if (claim?.epoch === undefined) return take();
    // A lease can be lost whose session is held: its renewal was late. Nobody else can have taken it.
    const isLost = claim.worker === worker && claim.epoch === session.epoch;
    const isHeld = !isLost && this.membership.isHeld(claim);
    if (isHeld || !(isLost || (await this.#isOver(claim)))) return undefined;
    // The entry may be gone since, with its life or with the bucket.
    return (await take(claim.revision)) ?? take();
  }

  /** Whether a worker may have the lease of a processor. */
  async isTaken(processor: string): Promise<boolean> {
    const entry = await this.#options.bucket.get(processor);
    if (entry?.operation !== "PUT") return false;
    const claim = { ...readClaim(entry.string()), revision: entry.revision };
    if (claim.epoch === undefined || this.membership.isHeld(claim)) return true;
    return !(await this.#isOver(claim));
  }

  /** Withdraws the announcement. From then on nothing is taken, and what is held stays held. */
  async retire(): Promise<void> {
    clearInterval(this.#looking);
    await this.membership.retire();
  }

  /** Ends the session. To be called once every lease is released. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    await this.#session?.release();
  }

  async #openSession(): Promise<void> {
    const { bucket, worker, leaseMs, log } = this.#options;
    // The bucket may have been made anew, for shorter lives.
    this.#claimLifeMs = leaseMs;
    this.#longerSince = Number.POSITIVE_INFINITY;
    this.membership.lifeMs = Math.max(leaseMs, (await bucket.status()).ttl);
    const before = this.membership.sessionOf(worker);
    // Another process may have had this name. Its session is over once it has not renewed it for its whole life.
    const isOver = before && (this.#epochs.has(before.epoch) || before.unchangedMs > before.leaseMs);
    const open = (replaces?: number) => Session.open({ bucket, worker, leaseMs, replaces, log });
    // The entry may be gone since.
    this.#session = (isOver && (await open(before.revision))) || (await open());
    if (this.#session) this.#epochs.add(this.#session.epoch);
    else if (before && !isOver && !this.#isNameTold) {
      this.#isNameTold = true;
      log.warn({ worker }, "another worker has this name, waiting for its session to end");
    }
  }

  /**
   * Has entries of the bucket live for longer where every worker has a session. Claims are then renewed less often.
   * While an older worker is there they are renewed as often as it expects.
   */
  async #followLives(): Promise<void> {
    const { bucket, leaseMs, lengthenLives } = this.#options;
    const { membership } = this;
    const isEarly = !membership.haveAllSessions;
    const lifeMs = livesUnderSessions * leaseMs;
    if (!isEarly && this.#longerSince === Number.POSITIVE_INFINITY) {
      const { ttl } = await bucket.status();
      if (ttl < lifeMs) await lengthenLives(lifeMs);
      // A bucket that was made anew meanwhile has not kept this session.
      if (!this.#session?.held) return;
      membership.lifeMs = Math.max(lifeMs, ttl);
      this.#longerSince = performance.now();
    }
    const isLong = performance.now() - this.#longerSince >= this.#options.knownAfterMs;
    this.#claimLifeMs = isLong && !isEarly ? lifeMs : leaseMs;
  }

  /** Whether the session of a claim is over for certain. If it only seems to be, it is ended. */
  #isOver(claim: SeenClaim): Promise<boolean> {
    const key = `${claim.worker}/${claim.epoch}`;
    const known = this.#over.get(key) ?? this.#endSession(claim);
    this.#over.set(key, known);
    void known.then((isOver) => {
      if (!isOver) this.#over.delete(key);
    });
    return known;
  }

  async #endSession({ worker, epoch = 0 }: SeenClaim): Promise<boolean> {
    const { bucket, log } = this.#options;
    const key = sessionKey(worker);
    try {
      const entry = await bucket.get(key);
      if (entry && entry.operation !== "PUT") return entry.revision > epoch;
      if (entry) {
        const stored = readSession(entry.string(), entry.revision);
        if (stored.epoch !== epoch) return stored.epoch > epoch;
        const seen = this.membership.sessionOf(worker);
        if (seen?.revision !== entry.revision || seen.unchangedMs <= stored.leaseMs) return false;
        await bucket.delete(key, { previousSeq: entry.revision });
      } else {
        // Perhaps it has no entry only on a server that is behind. A write is sure to see what there is.
        await bucket.create(key, sessionText({ epoch: 0, leaseMs: 0 }));
      }
    } catch {
      // Somebody else has written it, or NATS does not answer.
      return false;
    }
    log.warn({ worker, epoch }, "the session of a worker is over");
    return true;
  }
}
