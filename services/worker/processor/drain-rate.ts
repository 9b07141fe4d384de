import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";

type Progress = Pick<ProcessorState, "state" | "since" | "applied">;

/** Work of this long ago counts for a third. */
const memorySeconds = 10;
/** With less work than this the rate says too little. */
const leastBusySeconds = 1;

/**
 * How fast a processor works when it has work. `note` is given the processor's state at two moments. The time
 * between them counts only if the processor was applying all the time. So a processor does not seem slow
 * because it was idle or paused, or because a client sends one command at a time.
 */
export class DrainRate {
  #applied = 0;
  #busySeconds = 0;

  /** Notes what was applied between two moments that are this many seconds apart. */
  note(before: Progress, now: Progress, seconds: number): void {
    const fading = Math.exp(-seconds / memorySeconds);
    this.#applied *= fading;
    this.#busySeconds *= fading;
    const applied = now.applied - before.applied;
    // A replay applies the log, so it counts as work. Any other rebuild does not.
    const isWorking = now.state === "applying" || (now.state === "rebuilding" && applied > 0);
    if (!isWorking || before.state !== now.state || before.since !== now.since) return;
    this.#applied += applied;
    this.#busySeconds += seconds;
  }

  /** Commands per second; 0 if there was too little work to tell. */
  get perSecond(): number {
    return this.#busySeconds < leastBusySeconds ? 0 : this.#applied / this.#busySeconds;
  }
}
