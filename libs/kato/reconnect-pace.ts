/** The longest pauses between two attempts to connect: while an instance may be restarting, and later. */
const eagerPauseMs = 200;
const patientPauseMs = 1_000;
/** An instance that is not back by then has not only restarted (docs/kato.md, "A restart"). */
const eagerForMs = 2_000;

/**
 * How often a channel tries to connect. It is *eager* from when its connection was lost, as the instance may be
 * restarting, and *patient* once that has lasted for long. Which of them counts only while there is no connection.
 */
export class ReconnectPace {
  /** Since when there has been no connection (Unix ms); undefined while there is one. */
  #awaySinceMs: number | undefined = Date.now();
  #isEager = true;

  get isEager(): boolean {
    return this.#isEager;
  }

  /** The longest pause between two attempts. */
  get longestPauseMs(): number {
    return this.#isEager ? eagerPauseMs : patientPauseMs;
  }

  /** When it has been eager for long enough (Unix ms); Infinity if it is patient, or if there is a connection. */
  get eagerUntilMs(): number {
    if (!this.#isEager || this.#awaySinceMs === undefined) return Number.POSITIVE_INFINITY;
    return this.#awaySinceMs + eagerForMs;
  }

  /** Notes whether there is a connection. */
  note(isConnected: boolean): void {
    if (isConnected) {
      this.#awaySinceMs = undefined;
    } else if (this.#awaySinceMs === undefined) {
      this.#awaySinceMs = Date.now();
      this.#isEager = true;
    }
  }

  becomePatient(): void {
    this.#isEager = false;
  }
}
