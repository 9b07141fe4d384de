import type { NatsConnection } from "@nats-io/transport-node";
import { stateSubject } from "../../libs/commands/names.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import { reportEveryMs } from "../../libs/commands/processor-state.ts";

/** Publishes how one processor stands: when it has changed, and when nothing was said for a while. */
export class Reports {
  readonly #connection: NatsConnection;
  readonly #state: () => ProcessorState;
  #latest: ProcessorState | undefined;
  #at = 0;

  constructor(connection: NatsConnection, state: () => ProcessorState) {
    this.#connection = connection;
    this.#state = state;
  }

  /** Says it if there is something to say. */
  report(): void {
    const before = this.#latest;
    const now = Date.now();
    const state = this.#state();
    if (before) state.rate = rateOf(before, state, (now - this.#at) / 1_000);
    const isNews =
      before?.state !== state.state || before.applied !== state.applied || before.last !== state.last;
    if (!isNews && now - this.#at < reportEveryMs) return;
    this.#latest = state;
    this.#at = now;
    this.#connection.publish(stateSubject(state.processor), JSON.stringify(state));
  }
}

/** Commands per second, half of it that of the last interval. */
function rateOf(before: ProcessorState, now: ProcessorState, seconds: number): number {
  const latest = seconds > 0 ? (now.applied - before.applied) / seconds : 0;
  return Math.round((before.rate + latest) * 5) / 10;
}
