/** The first pause between two attempts to connect. Each further one is longer by this factor. */
const firstPauseMs = 100;
const growth = 1.6;
/** The longest pauses: while an instance may be restarting, and later. */
const eagerPauseMs = 200;
const patientPauseMs = 1_000;
/** An instance that is not back by then has not only restarted (docs/kato.md, "A restart"). */
const eagerForMs = 2_000;
/** An attempt may take so long. A server that accepts a TCP connection may then stay silent for ever. */
const attemptMs = 5_000;

/**
 * How often a channel tries to connect. It is *eager* from when its connection was lost, as the instance may be
 * restarting, and *patient* once that has lasted for long.
 */
export class ReconnectPace {
  /** When it ceases to be eager, by `performance.now`. */
  #eagerUntil = performance.now() + eagerForMs;
  #pauseMs = firstPauseMs;

  /** Begins anew: there was a connection until now. */
  restart(): void {
    this.#eagerUntil = performance.now() + eagerForMs;
    this.#pauseMs = firstPauseMs;
  }

  /** How long the next attempt may take. While it is eager, that is not beyond the end of it. */
  get attemptMs(): number {
    const eagerMs = this.#eagerUntil - performance.now();
    return eagerMs > 0 ? Math.min(eagerMs, attemptMs) : attemptMs;
  }

  /** How long to wait between the begin of the attempt that has failed and that of the next one. */
  nextPauseMs(): number {
    const longestMs = performance.now() < this.#eagerUntil ? eagerPauseMs : patientPauseMs;
    const pauseMs = Math.min(this.#pauseMs, longestMs);
    this.#pauseMs = Math.min(this.#pauseMs * growth, patientPauseMs);
    // Some more or less, so that the channels to a host do not all come at once.
    return pauseMs * (0.8 + 0.4 * Math.random());
  }
}
