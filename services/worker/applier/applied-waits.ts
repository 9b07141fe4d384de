/** Who waits for a command to be applied. */
export class AppliedWaits {
  readonly #applied: () => number;
  readonly #waiting = new Set<{ sequence: number; settle: (isApplied: boolean) => void }>();

  constructor(applied: () => number) {
    this.#applied = applied;
  }

  /** Resolves to true once everything up to `sequence` is applied, to false after `timeoutMs` or `close`. */
  wait(sequence: number, timeoutMs: number): Promise<boolean> {
    if (sequence <= this.#applied()) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = {
      sequence,
      settle: (isApplied: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve(isApplied);
      },
    };
    const timer = setTimeout(waiting.settle, timeoutMs, false);
    this.#waiting.add(waiting);
    return promise;
  }

  /** To be called when more is applied. */
  check(): void {
    if (this.#waiting.size === 0) return;
    const applied = this.#applied();
    for (const { sequence, settle } of [...this.#waiting]) if (sequence <= applied) settle(true);
  }

  /** Ends every waiting. */
  close(): void {
    for (const { settle } of [...this.#waiting]) settle(false);
  }
}
