import type { Tracing } from "../../../libs/telemetry/span.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import type { WorkerMetrics } from "../metrics.ts";
import { methodLabel } from "../metrics.ts";
import type { Step } from "./step.ts";

/** What an applier and its instance are told to measure and to trace with. */
export interface Telemetry {
  metrics: Pick<WorkerMetrics, "waited" | "called" | "reconnected">;
  tracing: Tracing | undefined;
}

/**
 * Measures how long commands wait, and knows the trace of the step in hand: the calls that are made for it belong there. A step
 * that is tried again is measured once and has a span for each try.
 */
export class StepWatch {
  readonly #telemetry: Telemetry;
  #waitedThrough = 0;
  #trace: TraceContext | undefined;
  #outcome = "";

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** The trace of the step in hand; undefined where there is none, as while its instance is reconciled. */
  get trace(): TraceContext | undefined {
    return this.#trace;
  }

  /** Takes note of what came of the step in hand. */
  concluded(outcome: string): void {
    this.#outcome = outcome;
  }

  /** Runs what applies a step. */
  async during(step: Step, apply: () => Promise<void>): Promise<void> {
    this.#measureWait(step);
    const { command, method, at } = step;
    const span = this.#telemetry.tracing?.begin({
      name: `apply ${methodLabel(method)}`,
      kind: "consumer",
      parent: command.trace,
      // Nobody waits for an asynchronous command; those of one request may be many, and go on long after it.
      isLinked: command.deadlineMs === undefined,
      attributes: {
        "kato.processor": command.processor,
        "kato.command": command.id,
        "kato.sequence": at.sequence,
        "kato.step": at.step,
      },
    });
    this.#trace = span?.context ?? command.trace;
    this.#outcome = "interrupted";
    try {
      await apply();
    } finally {
      this.#trace = undefined;
      const outcome = this.#outcome;
      span?.end({
        error: outcome === "applied" ? undefined : outcome,
        attributes: { "kato.outcome": outcome },
      });
    }
  }

  #measureWait({ command: { sequence, method, storedAtMs } }: Step): void {
    if (sequence <= this.#waitedThrough) return;
    this.#waitedThrough = sequence;
    if (storedAtMs === undefined) return;
    // Two clocks: the server's may be ahead.
    this.#telemetry.metrics.waited({ method, seconds: Math.max(0, Date.now() - storedAtMs) / 1_000 });
  }
}
