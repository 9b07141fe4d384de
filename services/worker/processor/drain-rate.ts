import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";

type Progress = Pick<ProcessorState, "state" | "since" | "applied">;

/** What lies this long back counts for a third. */
const memorySeconds = 10;
/** Less than this much work says too little. */
const leastBusySeconds = 1;

/**
 * How fast a processor works when it has work, from how it stood at two moments. Only an interval throughout
 * which it was applying counts: so neither idling, nor a client that sends one command at a time, nor a pause
 * makes it seem slow.
 */
export class DrainRate {
  #applied = 0;
  #busySeconds = 0;

  /** Takes note of an interval of this many seconds. */
  note(before: Progress, now: Progress, seconds: number): void {
    const fading = Math.exp(-seconds / memorySeconds);
    this.#applied *= fading;
    this.#busySeconds *= fading;
    const applied = now.applied - before.applied;
    // A replay is work that goes through the log; what is rebuilt otherwise does not.
    const isWorking = now.state === "applying" || (now.state === "rebuilding" && applied > 0);
    if (!isWorking || before.state !== now.state || before.since !== now.since) return;
    this.#applied += applied;
    this.#busySeconds += seconds;
  }

  /** Commands per second; 0 where there was too little work to tell. */
  get perSecond(): number {
    return this.#busySeconds < leastBusySeconds ? 0 : this.#applied / this.#busySeconds;
  }
}
