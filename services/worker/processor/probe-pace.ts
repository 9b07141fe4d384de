import type { Clock } from "../model/clock.ts";

/**
 * How often an instance is asked whether it is there: every 1.0 to 1.4 s, or less often where nobody uses it and its
 * worker has many. The time varies so that the instances of many processors are not asked at once.
 */
const everyMs = 1_000;
const spread = 0.4;
/** Pauses end at moments that are so far apart: those of a thousand instances else wake the worker for each of them. */
const momentsMs = 100;
/** For how long an instance counts as used after it was used. */
const inUseMs = 10_000;
/** How often an idle instance is asked whether its database is there. */
const databaseEveryMs = 15_000;
/** An instance that has answered within this time need not be asked. */
export const freshMs = everyMs / 2;

/** Says when an instance is asked next whether it is there, and its database. */
export class ProbePace {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #idleProbeMs: () => number;
  #usedAt: number;
  #databaseProbedAt: number;
  #wake: () => void = () => {};

  /** `idleProbeMs` says how often an instance is asked that nobody uses. */
  constructor(clock: Pick<Clock, "monotonicMs">, idleProbeMs: () => number) {
    this.#clock = clock;
    this.#idleProbeMs = idleProbeMs;
    this.#databaseProbedAt = clock.monotonicMs();
    this.#usedAt = this.#databaseProbedAt - inUseMs;
  }

  /** Notes that somebody uses the instance. The first time after a while ends the pause, as the next one is shorter. */
  used(): void {
    const wasInUse = this.#isInUse;
    this.#usedAt = this.#clock.monotonicMs();
    if (!wasInUse) this.#wake();
  }

  databaseProbed(): void {
    this.#databaseProbedAt = this.#clock.monotonicMs();
  }

  get isDatabaseDue(): boolean {
    return this.#clock.monotonicMs() - this.#databaseProbedAt > databaseEveryMs;
  }

  /** How long to wait until the instance is asked again. */
  get nextMs(): number {
    const ms = this.#isInUse ? everyMs : Math.max(everyMs, this.#idleProbeMs());
    const now = this.#clock.monotonicMs();
    const wanted = now + ms * (1 + Math.random() * spread);
    return Math.ceil(Math.ceil(wanted / momentsMs) * momentsMs - now);
  }

  /** Resolves with `over`, and when the pause is ended. */
  pause(over: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      over.then(resolve, reject);
    });
  }

  get #isInUse(): boolean {
    return this.#clock.monotonicMs() - this.#usedAt < inUseMs;
  }
}
