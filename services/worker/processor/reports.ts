import type { NatsConnection } from "@nats-io/transport-node";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import { reportEveryMs } from "../../../libs/commands/messages/processor-state.ts";
import { stateSubject } from "../../../libs/commands/messages/subjects.ts";
import { DrainRate } from "./drain-rate.ts";

/** What a processor tells of itself. */
export interface ReportedProcessor {
  readonly id: string;
  readonly state: ProcessorState;
  /** Another number whenever something in `state` has changed, other than how long a command waits. */
  readonly changes: number;
  /** Another number after each change of `state.state`. */
  readonly version: number;
}

/**
 * Publishes the state of one processor when it has changed, and when nothing was published for a while. Where nothing
 * changes and nothing waits, the same text is published again: that is what most of a thousand processors do.
 *
 * The command loop learns the end of the log with each command that it takes, as it was when NATS sent that
 * command. So while commands wait, the log itself is asked for its end.
 */
export class Reports {
  readonly #connection: Pick<NatsConnection, "publish">;
  readonly #processor: ReportedProcessor;
  readonly #lastInLog: () => Promise<number>;
  readonly #drainRate = new DrainRate();
  #latest: ProcessorState | undefined;
  #at = 0;
  /** `changes` and `version` at the latest report. */
  #changes = -1;
  #version = -1;
  /** The latest report as it was published; undefined where the next one may be another. */
  #text: Uint8Array | undefined;
  /** The end of the log as it was last asked for. */
  #end = 0;
  #isAsking = false;
  #askedAt = 0;

  constructor(
    connection: Pick<NatsConnection, "publish">,
    processor: ReportedProcessor,
    /** The sequence of the last command in the log. */
    lastInLog: () => Promise<number>,
  ) {
    this.#connection = connection;
    this.#processor = processor;
    this.#lastInLog = lastInLog;
  }

  /** The state now, with the rates of the latest report. */
  get state(): ProcessorState {
    const { state } = this.#processor;
    const { rate = 0, drainRate = 0 } = this.#latest ?? {};
    const last = state.last > state.applied ? Math.max(state.last, this.#end) : state.last;
    return { ...state, last, rate, drainRate };
  }

  /**
   * To be called some times a second: reports what nobody has told of. At rest it is enough to look whether the state
   * is another one, or a report is due.
   */
  tick(): void {
    const isAtRest = this.#text !== undefined && this.#processor.version === this.#version;
    if (!isAtRest || this.#isDue(performance.now())) this.report();
  }

  /** Publishes the state if it has changed, or if nothing was published for a while. */
  report(): void {
    const before = this.#latest;
    const now = performance.now();
    const seconds = (now - this.#at) / 1_000;
    const isDue = this.#isDue(now);
    const { changes, version } = this.#processor;
    if (this.#text !== undefined && changes === this.#changes) {
      if (isDue) this.#publish(this.#text, now);
      return;
    }
    this.#changes = changes;
    this.#version = version;
    this.#text = undefined;
    const { state } = this;
    if (state.last > state.applied) void this.#askEnd(now);
    const isNews =
      before?.state !== state.state ||
      before.settled !== state.settled ||
      before.opening !== state.opening ||
      before.applied !== state.applied ||
      before.last !== state.last ||
      before.interval !== state.interval ||
      before.degraded !== state.degraded;
    if (!isNews && !isDue) return;
    if (before && before.opening !== "checkpoint") {
      this.#drainRate.note(before, state, seconds);
      state.rate = rateOf(before, state, seconds);
      state.drainRate = this.#drainRate.perSecond;
    }
    this.#latest = state;
    const text = Buffer.from(JSON.stringify(state));
    this.#publish(text, now);
    const isBusy = state.last > state.applied || state.rate > 0 || state.drainRate > 0;
    // A backup waits until one that is paused has settled.
    const isAtRest = !isBusy && state.state !== "paused";
    if (isAtRest && before) this.#text = text;
  }

  #isDue(now: number): boolean {
    return now - this.#at >= reportEveryMs;
  }

  #publish(text: Uint8Array, now: number): void {
    this.#at = now;
    this.#connection.publish(stateSubject(this.#processor.id), text);
  }

  async #askEnd(now: number): Promise<void> {
    if (this.#isAsking || now - this.#askedAt < reportEveryMs) return;
    this.#isAsking = true;
    this.#askedAt = now;
    try {
      this.#end = await this.#lastInLog();
    } catch {
      // NATS is away. It is asked again later.
    } finally {
      this.#isAsking = false;
    }
  }
}

/** Commands per second: the mean of the earlier rate and that since the last report. */
function rateOf(before: ProcessorState, now: ProcessorState, seconds: number): number {
  const latest = seconds > 0 ? (now.applied - before.applied) / seconds : 0;
  return Math.round((before.rate + latest) * 5) / 10;
}
