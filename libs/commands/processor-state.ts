/**
 * How a processor stands, as the worker that runs it reports: at every change, and every second besides, so
 * that silence means that nobody runs it.
 */
export interface ProcessorState {
  processor: string;
  /**
   * `ready`: nothing to do. `applying`: commands wait or are under way. `rebuilding`: its instance is given
   * back what it lost. `down`: its instance cannot be reached. `paused`: it is there, and commands wait until
   * somebody resumes it.
   */
  state: "ready" | "applying" | "rebuilding" | "down" | "paused";
  /** Unix ms of the last change of `state`. */
  since: number;
  /** Why it is down, "" otherwise. */
  reason: string;
  /** Who runs it. */
  worker: string;
  /** The sequence up to which everything is applied. */
  applied: number;
  /** The last sequence known to be in the log. */
  last: number;
  /** What KATO does not let anybody restore, "" when nothing is amiss. */
  degraded: string;
  /** The interval that clients see. */
  interval: number;
  /**
   * How long the oldest command that is not applied stands in the log, by the clocks of NATS and the worker;
   * 0 without one.
   */
  oldestMs: number;
  /** Commands applied per second, lately: 0 when there was nothing to apply. */
  rate: number;
  /** Commands applied per second while there were any to apply; 0 where that is not known. */
  drainRate: number;
}

/** How often a state is reported when nothing changes. */
export const reportEveryMs = 1_000;
