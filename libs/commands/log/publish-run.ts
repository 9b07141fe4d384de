/** If no answer comes for so long, the answers still to come are given up. */
const answerLimitMs = 2_000;

/**
 * A run of a LogWriter: what it sends from one break to the next, and how many answers are still to come. The
 * number of the run is part of the subject of each answer, so an answer that belongs to an earlier run is
 * recognized.
 */
export class PublishRun {
  #number = 0;
  #unanswered = 0;
  /** When the last answer came, or the first message was sent; by `performance.now()`. */
  #answeredAt = 0;
  /** The connection over which the messages were sent (NatsLink.session). */
  #session = 0;

  get number(): number {
    return this.#number;
  }

  /** Whether no answer is to come any more. */
  get isAnswered(): boolean {
    return this.#unanswered === 0;
  }

  /** Counts a message that is sent now, over this connection. */
  countSent(session: number): void {
    if (this.#unanswered === 0) {
      this.#answeredAt = performance.now();
      this.#session = session;
    }
    this.#unanswered++;
  }

  /** Counts an answer. Returns false if it belongs to an earlier run. */
  countAnswer(run: number | undefined): boolean {
    if (run !== this.#number) return false;
    // An answer that was given up can still come, after a reconnect through another server of the cluster.
    if (this.#unanswered > 0) this.#unanswered--;
    this.#answeredAt = performance.now();
    return true;
  }

  /**
   * Gives up the answers that are still to come, if there is another connection by now or there was no answer
   * for too long. Returns whether it did.
   */
  giveUpLostAnswers(session: number): boolean {
    const isSilent = performance.now() - this.#answeredAt > answerLimitMs;
    if (this.#unanswered === 0 || (!isSilent && session === this.#session)) return false;
    this.#unanswered = 0;
    return true;
  }

  /** Begins the next run. */
  next(): void {
    this.#number++;
    this.#unanswered = 0;
  }
}
