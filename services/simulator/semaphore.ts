/**
 * Runs at most `permits` tasks at a time; the others wait and start in the order they came. In the simulator
 * KATO's ten threads are a semaphore of 10, and KATO's lock is a semaphore of 1.
 *
 * Invariant: a task waits only while every permit is taken.
 */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(permits: number) {
    this.#free = permits;
  }

  /** Runs the task as soon as there is a permit for it, and settles as the task does. */
  async run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
