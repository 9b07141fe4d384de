const tickMs = 250;
/** Ticks come late on a busy machine. What is longer than this is no delay: the process stood still. */
const longestMs = 2 * tickMs;

/**
 * A clock of the time in which this process ran. Where it stood still, the messages that came meanwhile wait to be read,
 * so by this clock nobody was silent.
 */
export class AwakeClock {
  #passedMs = 0;
  #tickedAt = performance.now();
  readonly #timer = setInterval(() => this.#tick(), tickMs).unref();

  /** Milliseconds since it was made. */
  get nowMs(): number {
    return this.#passedMs + Math.min(performance.now() - this.#tickedAt, longestMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#passedMs = this.nowMs;
    this.#tickedAt = performance.now();
  }
}
