import type { TraceContext } from "./trace-context.ts";

/** What is known of a span when it begins. */
export interface SpanStart {
  name: string;
  kind: "server" | "client" | "consumer";
  /** The span that it belongs under. Without one it begins a new trace. */
  parent: TraceContext | undefined;
  /**
   * If true, it begins a new trace with a link to `parent`. That is for work that nobody waits for in the
   * parent's trace.
   */
  isLinked?: boolean;
  attributes: Attributes;
}

/** What a span says about its work, by OpenTelemetry's names. */
export type Attributes = Record<string, string | number>;

/** A timed piece of work within a trace. */
export interface Span {
  /** The context to hand on, so that further spans come under this one. */
  readonly context: TraceContext;
  /** Ends the span; to be called once. `error` is a word for what went wrong (`error.type`). */
  end(end: { error?: string | undefined; attributes?: Attributes }): void;
}

/**
 * Records spans. While tracing is off there is no such object, and a trace context that came in is handed on
 * as it is.
 */
export interface Tracing {
  begin(start: SpanStart): Span;
  /** Sends the spans that are left. It takes 2 seconds at most. */
  close(): Promise<void>;
}
