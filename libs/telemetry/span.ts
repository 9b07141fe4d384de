import type { TraceContext } from "./trace-context.ts";

/** What a span is told when it begins. */
export interface SpanStart {
  name: string;
  kind: "server" | "client" | "consumer";
  /** Where it comes from; it begins a new trace where there is none. */
  parent: TraceContext | undefined;
  /** It begins a trace of its own that refers to `parent`: nobody waits for it there. */
  isLinked?: boolean;
  attributes: Attributes;
}

export type Attributes = Record<string, string | number>;

/** One stretch of work in a trace. */
export interface Span {
  /** What is handed on to whoever works for it. */
  readonly context: TraceContext;
  /** Ends it, once; `error` says in a word what went wrong. */
  end(end: { error?: string | undefined; attributes?: Attributes }): void;
}

/** Records spans. Where nobody asks for any there is none of these: what came is then handed on as it is. */
export interface Tracing {
  begin(start: SpanStart): Span;
  /** Sends what is still to be sent, for a short time at most. */
  close(): Promise<void>;
}
