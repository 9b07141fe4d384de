import type { KV } from "@nats-io/kv";
import type { Logger } from "../../../libs/telemetry/logger.ts";

export interface LeaseOptions {
  bucket: Pick<KV, "create" | "update" | "delete">;
  /** The key of its entry. */
  processor: string;
  /** The worker's name. */
  worker: string;
  /** How long an entry of the bucket lives. It may become longer, and never shorter. */
  readonly leaseMs: number;
  /** What is written. It is given the revision that has created the entry, 0 for that one. Default: the name. */
  text?: (created: number) => string;
  /** The revision of an entry that this one replaces. Nobody may believe in that one any more. */
  replaces?: number | undefined;
  /** The lease that this one rests on. Without that one it is not held. */
  under?: Footing;
  /** Called once, when the lease is lost. */
  onLost: () => void;
  log: Pick<Logger, "warn">;
}

/** What leases rest on. */
export interface Footing {
  readonly held: boolean;
  /** Calls `onLost` once this is lost. The function that is returned ends that. */
  follow(onLost: () => void): () => void;
}

/**
 * A lease is held for this share of its life. The rest is a margin, because two clocks do not run at the same
 * pace.
 */
const safeShare = 0.9;
const renewalsPerLife = 3;
/** The longest time that a renewal is waited for, and after which one that has failed is tried again. */
const retryMs = 2_000;
/** Leases that were taken together are not renewed together. */
const spread = 0.2;

/**
 * The right of one worker to run a processor. It is an entry in a bucket whose entries live for `leaseMs`. A worker's
 * session is such an entry too.
 *
 * States: *held*, *released*, *lost*. Its life counts from when the last successful renewal was *sent*, by a
 * clock that goes on while the process is stopped. It is held for `leaseMs` less a safety margin. During that
 * time no other worker can have an entry (A4). A renewal is a compare-and-set, so it fails once another
 * worker has taken the lease.
 */
export class Lease {
  readonly #options: LeaseOptions;
  /** The revision that has created its entry. */
  readonly created: number;
  #revision: number;
  #validUntil: number;
  #state: "held" | "released" | "lost" = "held";
  #timer: NodeJS.Timeout | undefined;
  readonly #unfollow: (() => void) | undefined;

  private constructor(options: LeaseOptions, revision: number, { sentAt, leaseMs }: Sent) {
    this.#options = options;
    this.created = revision;
    this.#revision = revision;
    this.#validUntil = sentAt + leaseMs * safeShare;
    this.#unfollow = options.under?.follow(() => void this.held);
    this.#renewLater();
  }

  /** Takes the lease. Resolves to undefined if another worker has it, or if NATS does not answer. */
  static async take(options: LeaseOptions): Promise<Lease | undefined> {
    const { bucket, processor, worker, text, replaces, leaseMs } = options;
    const sentAt = performance.now();
    const written = text?.(0) ?? worker;
    try {
      const revision =
        replaces === undefined
          ? await bucket.create(processor, written)
          : await bucket.update(processor, written, replaces);
      return new Lease(options, revision, { sentAt, leaseMs });
    } catch {
      return undefined;
    }
  }

  /** The name of the worker that has taken the lease. */
  get worker(): string {
    return this.#options.worker;
  }

  /**
   * Whether this worker may call the instance now. Once this is false it stays false, even if a renewal
   * arrives late.
   */
  get held(): boolean {
    if (this.#state === "held" && performance.now() >= this.#validUntil) this.#lose();
    if (this.#state === "held" && this.#options.under?.held === false) this.#lose();
    return this.#state === "held";
  }

  /** Gives the lease back, so that another worker need not wait until its life is over. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    this.#unfollow?.();
    if (this.#state !== "held") return;
    this.#state = "released";
    const { bucket, processor, log } = this.#options;
    try {
      await bucket.delete(processor, { previousSeq: this.#revision });
    } catch (error) {
      log.warn({ err: error, processor }, "cannot give the lease back, it ends by itself");
    }
  }

  #renewLater(longestMs = Number.POSITIVE_INFINITY): void {
    const { leaseMs, under } = this.#options;
    const earlier = under ? 1 - Math.random() * spread : 1;
    const ms = Math.min(leaseMs / renewalsPerLife, longestMs) * earlier;
    this.#timer = setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const { bucket, processor, worker, leaseMs, text, log } = this.#options;
    const written = text?.(this.created) ?? worker;
    const sentAt = performance.now();
    if (!this.held) return;
    const timeoutMs = Math.min(leaseMs / renewalsPerLife, retryMs);
    let againMs: number | undefined;
    try {
      const revision = await bucket.update(processor, written, this.#revision, timeoutMs);
      this.#revision = revision;
      this.#validUntil = sentAt + leaseMs * safeShare;
    } catch (error) {
      // NATS may be away. The renewal is tried again for as long as the lease is held.
      log.warn({ err: error, processor }, "cannot renew the lease");
      againMs = retryMs;
    }
    if (this.held) this.#renewLater(againMs);
  }

  #lose(): void {
    clearTimeout(this.#timer);
    this.#unfollow?.();
    this.#state = "lost";
    queueMicrotask(this.#options.onLost);
  }
}

/** When a write was sent, and how long the entry was known to live then. */
interface Sent {
  sentAt: number;
  leaseMs: number;
}
