/**
 * The state of a processor, as the worker that runs it reports it to the gateways. It is reported at every
 * change, and every `reportEveryMs` anyway. So a processor whose state is not reported is run by nobody.
 */
export interface ProcessorState {
  processor: string;
  /**
   * - `ready`: all commands are applied.
   * - `applying`: commands are being applied.
   * - `rebuilding`: the instance is being given back what it lost.
   * - `down`: the instance cannot be reached.
   * - `paused`: the instance can be reached, and commands wait until an operator resumes the processor.
   * - `held`: nobody can prove which commands the instance has, so nothing is applied until an operator decides.
   */
  state: "ready" | "applying" | "rebuilding" | "down" | "paused" | "held";
  /**
   * Present while it is paused, every command that was begun has ended, and what is persisted is what its
   * instance has. So a copy of what is persisted can be made, which is that of a moment between two commands.
   */
  settled?: true;
  /**
   * What its worker has not found out since it took the processor: what the checkpoint says (until then the numbers
   * here are 0), or whether the instance is there. Absent once both are known, and from older workers.
   */
  opening?: "checkpoint" | "instance";
  /** Unix ms of the last change of `state`. */
  since: number;
  /** Why it is down or held; "" in other states. */
  reason: string;
  /** The id of the worker that runs it. */
  worker: string;
  /** The sequence up to which all commands are applied. */
  applied: number;
  /** The last sequence in the log that the worker knows of. */
  last: number;
  /**
   * What could not be restored after a restart of KATO (docs/recovery-limits.md); "" if nothing is missing.
   */
  degraded: string;
  /**
   * How many Observes reached the instance that the worker in charge did not make, and when the latest was
   * noticed (Unix ms). Absent if there were none.
   */
  foreign?: { ticks: number; lastMs: number };
  /** The interval as clients see it. */
  interval: number;
  /** The age of the oldest command that is not applied, by JetStream's clock; 0 without one. */
  oldestMs: number;
  /** Commands applied per second in the last seconds, idle time included. */
  rate: number;
  /** Commands applied per second while there were commands to apply; 0 if not known yet. */
  drainRate: number;
  /** Absent if no command was applied in the last five minutes, and from older workers. */
  latency?: CallLatency;
}

/**
 * How long the calls of the commands took that were applied in the last five minutes: the call alone, without the
 * waiting in the log. Of a command of several steps each step counts.
 */
export interface CallLatency {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  count: number;
}

/** A state is reported this often even if nothing has changed. */
export const reportEveryMs = 1_000;
