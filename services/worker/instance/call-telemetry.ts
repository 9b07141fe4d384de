import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import type { Tracing } from "../../../libs/telemetry/span.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";

/** How a call ended, as metrics and spans name it. */
const endings = {
  response: "response",
  answered: "error",
  unseen: "unseen",
  "not-sent": "not-sent",
} as const satisfies Record<CallResult["kind"], string>;

/** What is counted of calls and connections to instances. */
export interface CallMetrics {
  called(call: { method: string; outcome: string; seconds: number }): void;
  reconnected(processor: string): void;
}

/** Measures calls to instances, and records a span of each one that belongs to a trace. */
export class CallTelemetry {
  readonly #metrics: CallMetrics;
  readonly #tracing: Tracing | undefined;

  constructor(metrics: CallMetrics, tracing: Tracing | undefined) {
    this.#metrics = metrics;
    this.#tracing = tracing;
  }

  reconnected(processor: string): void {
    this.#metrics.reconnected(processor);
  }

  /**
   * Begins to measure a call. `end` has to be called with how the call ended, and returns how long it took, in ms.
   * `context` is the trace context to send to the instance.
   */
  begin(method: Method, processor: string, parent: TraceContext | undefined) {
    const span =
      parent &&
      this.#tracing?.begin({
        name: `kato_proc.KatoEngine/${method}`,
        kind: "client",
        parent,
        attributes: { "rpc.system": "grpc", "rpc.method": method, "kato.processor": processor },
      });
    const begunAt = performance.now();
    return {
      context: span?.context ?? parent,
      end: (result: CallResult): number => {
        const outcome = endings[result.kind];
        const ms = performance.now() - begunAt;
        this.#metrics.called({ method, outcome, seconds: ms / 1_000 });
        span?.end({
          error: result.kind === "response" ? undefined : outcome,
          attributes: { "rpc.grpc.status_code": result.kind === "response" ? grpc.OK : result.status },
        });
        return ms;
      },
    };
  }
}
