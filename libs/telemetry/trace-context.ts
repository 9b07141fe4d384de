/**
 * Where a request stands in a trace, as it is handed on: in the headers of HTTP, of a message, and in gRPC's metadata, under the
 * same two names (W3C Trace Context).
 */
export interface TraceContext {
  traceparent: string;
  tracestate?: string;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxStateLength = 512;
/** What gRPC's metadata and a message's header can hold. */
const printable = /^[\x20-\x7e]+$/;

/** The trace context in these headers; undefined where there is none, or none that is valid. */
export function readTraceContext(header: (name: string) => unknown): TraceContext | undefined {
  const traceparent = header("traceparent");
  if (typeof traceparent !== "string" || traceparent === "") return undefined;
  const [, version, traceId = "", spanId = "", flags, more] = pattern.exec(traceparent) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const tracestate = header("tracestate");
  const isStateGood =
    typeof tracestate === "string" && tracestate.length <= maxStateLength && printable.test(tracestate);
  return {
    // Of a later version whatever this one does not know is left out, as it may not be handed on as it came.
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(isStateGood && { tracestate }),
  };
}

/** The id of the trace, by which its logs and its spans are found. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.split("-", 2)[1] ?? "";
}

/** Writes the two headers, where there is a trace. */
export function writeTraceContext(
  trace: TraceContext | undefined,
  set: (name: string, value: string) => void,
): void {
  if (!trace) return;
  set("traceparent", trace.traceparent);
  if (trace.tracestate !== undefined) set("tracestate", trace.tracestate);
}
