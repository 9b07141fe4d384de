/**
 * The place of a request in a trace (W3C Trace Context). It is handed on in two headers, `traceparent` and
 * `tracestate`, which have these names in HTTP, in NATS and in gRPC's metadata.
 */
export interface TraceContext {
  traceparent: string;
  tracestate?: string;
}

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxStateLength = 512;
/** The characters that are allowed both in gRPC's metadata and in a header of NATS. */
const printable = /^[\x20-\x7e]+$/;

/** Reads the trace context from headers. Undefined if there is none, or if it is not valid. */
export function readTraceContext(header: (name: string) => unknown): TraceContext | undefined {
  const traceparent = header("traceparent");
  if (typeof traceparent !== "string" || traceparent === "") return undefined;
  const [, version, traceId = "", spanId = "", flags, more] = traceparentPattern.exec(traceparent) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const tracestate = header("tracestate");
  const isStateGood =
    typeof tracestate === "string" && tracestate.length <= maxStateLength && printable.test(tracestate);
  return {
    // A traceparent of a later version may have more parts. They are dropped, as only version 00 is written.
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(isStateGood && { tracestate }),
  };
}

/** The trace's id, 32 hex digits. Log lines have it too. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.split("-", 2)[1] ?? "";
}

/** Sets the two headers, if there is a trace. */
export function writeTraceContext(
  trace: TraceContext | undefined,
  set: (name: string, value: string) => void,
): void {
  if (!trace) return;
  set("traceparent", trace.traceparent);
  if (trace.tracestate !== undefined) set("tracestate", trace.tracestate);
}
