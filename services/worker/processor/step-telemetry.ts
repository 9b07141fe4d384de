import { methodLabel } from "../../../libs/kato/compound-commands.ts";
import type { Span, Tracing } from "../../../libs/telemetry/span.ts";
import type { CallLatencies } from "../instance/call-latencies.ts";
import type { InHand } from "../instance/instance.ts";
import type { Clock } from "../model/clock.ts";
import type { Step } from "../model/step.ts";

export interface StepTelemetryOptions {
  processor: string;
  metrics: {
    waited(wait: { method: string; seconds: number }): void;
    applied(step: { processor: string; seconds: number }): void;
  };
  tracing: Tracing | undefined;
  clock: Pick<Clock, "storeMs">;
  /** The instance. Its calls are reported with the step in hand. */
  instance: { inHand: InHand | undefined; latencies: Pick<CallLatencies, "note"> };
}

/**
 * Measures how long commands wait and how long their calls take, and records a span of each step. The wait of a
 * step that is tried again is measured once, and it has a span for each try.
 */
export class StepTelemetry {
  readonly #options: StepTelemetryOptions;
  #waitedThrough = 0;
  #span: Span | undefined;
  #outcome = "";

  constructor(options: StepTelemetryOptions) {
    this.#options = options;
  }

  /** Notes that the step is about to be applied. */
  begin(step: Step): void {
    const { instance, tracing } = this.#options;
    const { command, method, at } = step;
    this.#measureWait(step);
    this.#span = tracing?.begin({
      name: `apply ${methodLabel(method)}`,
      kind: "consumer",
      parent: command.trace,
      // Nobody waits for an asynchronous command. One request may have many of them, and they go on long
      // after it.
      isLinked: command.deadlineMs === undefined,
      attributes: {
        "kato.processor": command.processor,
        "kato.command": command.id,
        "kato.sequence": at.sequence,
        "kato.step": at.step,
      },
    });
    instance.inHand = { at, trace: this.#span?.context ?? command.trace, callMs: 0 };
    this.#outcome = "interrupted";
  }

  /** Notes the outcome of the step in hand. */
  concluded(outcome: string): void {
    this.#outcome = outcome;
    const { instance, metrics, processor } = this.#options;
    // Reconciling tells steps whose calls it has not seen. And a query in the log is no call of a command.
    const ms = instance.inHand?.callMs ?? 0;
    if (!instance.inHand || ms === 0) return;
    instance.inHand.callMs = 0;
    if (outcome !== "applied") return;
    instance.latencies.note(ms);
    metrics.applied({ processor, seconds: ms / 1_000 });
  }

  /**
   * Ends the span of the step in hand, whether the step has ended or was interrupted. Does nothing if no step
   * was begun.
   */
  end(): void {
    this.#options.instance.inHand = undefined;
    const outcome = this.#outcome;
    this.#span?.end({
      error: outcome === "applied" ? undefined : outcome,
      attributes: { "kato.outcome": outcome },
    });
    this.#span = undefined;
  }

  #measureWait({ command: { sequence, method, storedAtMs } }: Step): void {
    if (sequence <= this.#waitedThrough) return;
    this.#waitedThrough = sequence;
    if (storedAtMs === undefined) return;
    const { metrics, clock } = this.#options;
    metrics.waited({ method, seconds: Math.max(0, clock.storeMs() - storedAtMs) / 1_000 });
  }
}
