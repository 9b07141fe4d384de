import type { KV } from "@nats-io/kv";
import { isConflict } from "../../../libs/nats/errors.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { RenewalMoments } from "./renewal-moments.ts";

export interface LeaseOptions {
  bucket: Pick<KV, "create" | "update" | "delete">;
  processor: string;
  worker: string;
  /** How long an entry of the bucket lives. */
  leaseMs: number;
  /** When it is renewed, which is several times in its life. */
  moments: RenewalMoments;
  /** Called once, when the lease is lost. */
  onLost: () => void;
  log: Pick<Logger, "warn">;
}

/**
 * A lease is held for this share of its life. The rest is a margin, because two clocks do not run at the same
 * pace.
 */
const safeShare = 0.9;
/**
 * A renewal that has failed is tried again after this share of the time between two. So one that NATS did not get loses
 * nothing.
 */
const retryShare = 0.25;

/**
 * The right of one worker to run a processor. It is an entry in a bucket whose entries live for `leaseMs`.
 *
 * States: *held*, *released*, *lost*. Its life counts from when the last successful renewal was *sent*, by a
 * clock that goes on while the process is stopped. It is held for `leaseMs` less a safety margin. During that
 * time no other worker can have an entry (A4). A renewal is a compare-and-set, so it fails once another
 * worker has taken the lease.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #revision: number;
  #validUntil: number;
  #state: "held" | "released" | "lost" = "held";
  readonly #endRenewals: () => void;
  #isRenewing = false;
  /** For the next attempt after one that has failed. */
  #retry: NodeJS.Timeout | undefined;
  /** Resolves once the latest renewal has ended. */
  #renewed: Promise<void> = Promise.resolve();

  private constructor(options: LeaseOptions, revision: number, sentAt: number) {
    this.#options = options;
    this.#revision = revision;
    this.#validUntil = sentAt + options.leaseMs * safeShare;
    this.#endRenewals = options.moments.each(() => this.#beginRenewal());
  }

  /**
   * Takes the lease. Resolves to undefined if another worker has it, or if NATS does not answer. `givenBackAt` is the
   * revision at which it was given back, as far as is known, and 0 if it was not. If that is right, one request is enough.
   */
  static async take(options: LeaseOptions, givenBackAt = 0): Promise<Lease | undefined> {
    const { bucket, processor, worker } = options;
    try {
      return await Lease.#takeBy(options, () => bucket.update(processor, worker, givenBackAt));
    } catch (error) {
      if (!isConflict(error)) return undefined;
    }
    return Lease.#takeBy(options, () => bucket.create(processor, worker)).catch(() => undefined);
  }

  /** `write` resolves to the revision that it has written. */
  static async #takeBy(options: LeaseOptions, write: () => Promise<number>): Promise<Lease> {
    const sentAt = performance.now();
    return new Lease(options, await write(), sentAt);
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
    return this.#state === "held";
  }

  /** Gives the lease back, so that another worker need not wait until its life is over. */
  async release(): Promise<void> {
    this.#renewNoMore();
    if (this.#state !== "held") return;
    this.#state = "released";
    const { bucket, processor, log } = this.#options;
    // A renewal that is under way gives the entry another revision.
    await this.#renewed;
    try {
      await bucket.delete(processor, { previousSeq: this.#revision });
    } catch (error) {
      log.warn({ err: error, processor }, "cannot give the lease back, it ends by itself");
    }
  }

  #beginRenewal(): void {
    if (!this.#isRenewing && this.held) this.#renewed = this.#renew();
  }

  async #renew(): Promise<void> {
    const { bucket, processor, worker, leaseMs, moments, log } = this.#options;
    const { everyMs } = moments;
    clearTimeout(this.#retry);
    this.#isRenewing = true;
    const sentAt = performance.now();
    try {
      this.#revision = await bucket.update(processor, worker, this.#revision, everyMs);
      this.#validUntil = sentAt + leaseMs * safeShare;
    } catch (error) {
      // NATS may be away. The renewal is tried again for as long as the lease is held.
      log.warn({ err: error, processor }, "cannot renew the lease");
      if (this.held) this.#retry = setTimeout(() => this.#beginRenewal(), everyMs * retryShare);
    } finally {
      this.#isRenewing = false;
    }
  }

  #renewNoMore(): void {
    this.#endRenewals();
    clearTimeout(this.#retry);
  }

  #lose(): void {
    this.#renewNoMore();
    this.#state = "lost";
    queueMicrotask(this.#options.onLost);
  }
}
