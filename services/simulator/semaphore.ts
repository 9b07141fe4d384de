/**
 * Lets a limited number of tasks run at a time, the rest waiting in order: KATO's ten threads, and, with one slot, its lock.
 *
 * Invariant: tasks wait only while every slot is taken.
 */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs the task once there is a slot, and settles as it does. */
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
