import type { Clock } from "../model/clock.ts";

/** Those who wait until a command is applied. */
export class AppliedWaiters {
  readonly #applied: () => number;
  readonly #clock: Pick<Clock, "after">;
  readonly #waiters = new Set<{ sequence: number; resolve: (isApplied: boolean) => void }>();

  constructor(applied: () => number, clock: Pick<Clock, "after">) {
    this.#applied = applied;
    this.#clock = clock;
  }

  /**
   * Resolves to true once everything up to `sequence` is applied. Resolves to false after `timeoutMs`, and at
   * `close`.
   */
  wait(sequence: number, timeoutMs: number): Promise<boolean> {
    if (sequence <= this.#applied()) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = {
      sequence,
      resolve: (isApplied: boolean) => {
        cancelTimer();
        this.#waiters.delete(waiter);
        resolve(isApplied);
      },
    };
    const cancelTimer = this.#clock.after(timeoutMs, () => waiter.resolve(false));
    this.#waiters.add(waiter);
    return promise;
  }

  /** To be called when more is applied. */
  check(): void {
    if (this.#waiters.size === 0) return;
    const applied = this.#applied();
    for (const { sequence, resolve } of [...this.#waiters]) if (sequence <= applied) resolve(true);
  }

  /** Has every `wait` resolve to false. */
  close(): void {
    for (const { resolve } of [...this.#waiters]) resolve(false);
  }
}
