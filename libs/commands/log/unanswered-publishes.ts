/** If no answer comes for so long, the answers still to come are given up. */
const answerLimitMs = 2_000;

/**
 * Counts the publishes of a LogWriter that JetStream has not answered yet.
 *
 * What the writer sends from one break to the next is a run. The number of the run is part of the subject of
 * each answer, so an answer that belongs to an earlier run is recognized.
 */
export class UnansweredPublishes {
  #run = 0;
  #count = 0;
  /** When the last answer came, or the first message was sent; by `performance.now()`. */
  #answeredAt = 0;
  /** The connection over which the messages were sent (NatsLink.session). */
  #session = 0;

  /** The number of the present run. */
  get run(): number {
    return this.#run;
  }

  /** Whether no answer is to come any more. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** How many answers are to come. */
  get count(): number {
    return this.#count;
  }

  /** Counts a message that is sent now, over this connection. */
  countSent(session: number): void {
    if (this.#count === 0) {
      this.#answeredAt = performance.now();
      this.#session = session;
    }
    this.#count++;
  }

  /** Counts an answer. Returns false if it belongs to an earlier run. */
  countAnswer(run: number | undefined): boolean {
    if (run !== this.#run) return false;
    // An answer that was given up can still come, after a reconnect through another server of the cluster.
    if (this.#count > 0) this.#count--;
    this.#answeredAt = performance.now();
    return true;
  }

  /**
   * Gives up the answers that are still to come, if there is another connection by now or there was no answer
   * for too long. Returns whether it did.
   */
  giveUpLost(session: number): boolean {
    const isSilent = performance.now() - this.#answeredAt > answerLimitMs;
    if (this.#count === 0 || (!isSilent && session === this.#session)) return false;
    this.#count = 0;
    return true;
  }

  /** Begins the next run. */
  beginRun(): void {
    this.#run++;
    this.#count = 0;
  }
}
