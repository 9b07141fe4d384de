const renewalsPerLife = 3;
/**
 * So many moments are between two renewals of the same lease. With fewer, those of a large fleet would hold up its
 * commands for longer; with more, JetStream would write to the disk more often.
 */
const momentsPerRenewal = 4;

/**
 * The moments at which a worker's leases are renewed: each lease every `everyMs`, a third of its life. They stay the same
 * ones: after a stall the leases of all would else be renewed at one. One timer is for all leases, as those of a thousand
 * would be much of what an idle worker does.
 */
export class RenewalMoments {
  readonly everyMs: number;
  /** What is to be done at each moment, in their order. */
  readonly #tasks = Array.from({ length: momentsPerRenewal }, () => new Set<() => void>());
  #timer: NodeJS.Timeout | undefined;
  /** How many moments there were by now, counted from when `performance.now()` was 0. */
  #count = 0;

  constructor(leaseMs: number) {
    this.everyMs = leaseMs / renewalsPerLife;
  }

  /** Does a task every `everyMs`, for the first time a little sooner, until the function that is returned is called. */
  each(task: () => void): () => void {
    if (!this.#timer) {
      this.#count = this.#countNow;
      this.#startTimer();
    }
    const tasks = this.#tasksOf(this.#countNow);
    tasks.add(task);
    return () => {
      tasks.delete(task);
      if (this.#tasks.some(({ size }) => size > 0)) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  get #stepMs(): number {
    return this.everyMs / momentsPerRenewal;
  }

  get #countNow(): number {
    return Math.floor(performance.now() / this.#stepMs);
  }

  #tasksOf(count: number): Set<() => void> {
    return this.#tasks[count % momentsPerRenewal] ?? new Set();
  }

  #startTimer(): void {
    const nextMs = (this.#count + 1) * this.#stepMs;
    this.#timer = setTimeout(() => this.#passMoments(), Math.ceil(nextMs - performance.now()));
  }

  /** Does what is due since the last time: after a stall these may be several moments, but nothing twice. */
  #passMoments(): void {
    const now = this.#countNow;
    this.#count = Math.max(this.#count, now - momentsPerRenewal);
    while (this.#count < now) {
      this.#count++;
      for (const task of this.#tasksOf(this.#count)) task();
    }
    if (this.#timer) this.#startTimer();
  }
}
