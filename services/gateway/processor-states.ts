import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { stateSubject } from "../../libs/commands/names.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import { reportEveryMs } from "../../libs/commands/processor-state.ts";

/** Silence of this length means that no worker runs the processor. */
const silenceMs = 3 * reportEveryMs;

/** How the processors stand, from what the workers report. */
export class ProcessorStates {
  readonly #reports = new Map<string, { state: ProcessorState; at: number }>();
  readonly #subscription: Subscription;
  readonly #openedAt = performance.now();

  constructor(connection: NatsConnection) {
    this.#subscription = connection.subscribe(stateSubject("*"), {
      callback: (error, message) => {
        if (error) return;
        const state = message.json<ProcessorState>();
        this.#reports.set(state.processor, { state, at: performance.now() });
      },
    });
  }

  /** The latest report, or undefined where there is none or it is too old. */
  get(processor: string): ProcessorState | undefined {
    const report = this.#reports.get(processor);
    return report && performance.now() - report.at < silenceMs ? report.state : undefined;
  }

  /** Whether it is known that no worker runs the processor: a gateway that has just started does not know yet. */
  isUnowned(processor: string): boolean {
    return this.get(processor) === undefined && performance.now() - this.#openedAt > silenceMs;
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}
