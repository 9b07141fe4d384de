import type { Log } from "./connection.ts";

/** Something was sent to JetStream, which has stored it at `storeMs` of its own clock and answered. */
export interface StoredAt {
  /** `performance.now` before it was sent, and after the answer had come. */
  sentAt: number;
  answeredAt: number;
  /** Unix ms by JetStream's clock. */
  storeMs: number;
}

/** A clock that is further from JetStream's than this is worth a warning. */
const skewLimitMs = 1_000;

/**
 * The time by JetStream's clock, as this process knows it from what JetStream has stored.
 *
 * The machines of a fleet need not agree on the time. So whatever passes between two of them counts from when
 * JetStream has stored it, and here is what JetStream's clock says now. It is measured against a clock of this
 * process that nobody can set.
 *
 * Invariant: it is never ahead of JetStream's clock, but for what that clock was set back since the last
 * measurement. So nothing counts as late too early.
 */
export class StoreTime {
  readonly #log: Log;
  /** JetStream's clock was at least this far ahead of `performance.now`. */
  #aheadMs: number | undefined;
  #skewMs = 0;
  #isWarned = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The time in Unix ms; undefined as long as nothing was measured. */
  get measuredMs(): number | undefined {
    return this.#aheadMs === undefined ? undefined : this.#aheadMs + performance.now();
  }

  /** The time in Unix ms; by this machine's clock as long as nothing was measured. */
  nowMs(): number {
    return this.measuredMs ?? Date.now();
  }

  /** By how much this machine's clock is ahead of JetStream's. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Takes a measurement. */
  note({ sentAt, answeredAt, storeMs }: StoredAt): void {
    const least = storeMs - answeredAt;
    const most = storeMs - sentAt;
    // Less than was known means a slower answer, unless even `most` is less: then the clock was set.
    const isKnown = this.#aheadMs !== undefined && least <= this.#aheadMs && this.#aheadMs <= most;
    if (!isKnown) this.#aheadMs = least;
    this.#compare(answeredAt - sentAt);
  }

  /** Says once that the clocks differ, and once that they do not any more. */
  #compare(uncertainMs: number): void {
    this.#skewMs = Date.now() - this.nowMs();
    const isSkewed = Math.abs(this.#skewMs) > skewLimitMs + uncertainMs;
    if (isSkewed === this.#isWarned) return;
    this.#isWarned = isSkewed;
    const fields = { skewSeconds: Math.round(this.#skewMs / 100) / 10 };
    if (isSkewed) {
      this.#log.warn(fields, "this machine's clock differs from that of NATS; is there a time server?");
    } else this.#log.info(fields, "this machine's clock agrees with that of NATS again");
  }
}
