import { setTimeout as sleep } from "node:timers/promises";

/** Time, as one processor's code sees it. The crash schedules have a clock of their own. */
export interface Clock {
  /** The time in Unix ms, as in deadlines. */
  unixMs(): number;
  /** Milliseconds of a clock that nobody can set, to measure durations with. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** Does a task once after `ms`. The function that is returned cancels it. */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => sleep(ms),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
