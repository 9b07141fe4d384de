import { setTimeout as sleep } from "node:timers/promises";

/** Time, as one processor's code sees it. The crash schedules have a clock of their own. */
export interface Clock {
  /** The time in Unix ms by this machine's clock. */
  unixMs(): number;
  /** The time in Unix ms by JetStream's clock, by which it says when it has stored a command. */
  storeMs(): number;
  /** Milliseconds of a clock that nobody can set, to measure durations with. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** Does a task once after `ms`. The function that is returned cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** The clock of this process. */
export function clockWith(storeTime: { nowMs(): number }): Clock {
  return {
    unixMs: () => Date.now(),
    storeMs: () => storeTime.nowMs(),
    monotonicMs: () => performance.now(),
    sleep: (ms) => sleep(ms),
    after: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
  };
}
