import type { MsgHdrs } from "@nats-io/transport-node";
import { headerReader, headersOf } from "../../nats/headers.ts";
import type { TraceContext } from "../../telemetry/trace-context.ts";
import { readTraceContext, writeTraceContext } from "../../telemetry/trace-context.ts";

/** A query for a processor. The worker that runs the processor answers it between two commands. */
export interface Query {
  /** An RPC's name. */
  method: string;
  /** The protobuf request. */
  data: Uint8Array;
  /** A sequence: the query is answered after the command there has been applied. */
  after?: number;
  /** How long the query may wait for that command. */
  waitMs?: number;
  /** The trace of the HTTP request that it comes from. */
  trace?: TraceContext | undefined;
}

const queryHeaders = { method: "Kato-Method", after: "Kato-After", wait: "Kato-Wait" } as const;

/** The headers of the message for a query. The query's data is the message's data. */
export function headersOfQuery({ method, after, waitMs, trace }: Omit<Query, "data">): MsgHdrs {
  const all: Record<string, string> = { [queryHeaders.method]: method };
  if (after !== undefined) all[queryHeaders.after] = String(after);
  if (waitMs !== undefined) all[queryHeaders.wait] = String(waitMs);
  writeTraceContext(trace, (name, value) => {
    all[name] = value;
  });
  return headersOf(all);
}

/** The query in a message. If its headers are missing, its method is "", which nobody can answer. */
export function queryOfMessage(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): Query {
  const header = headerReader(message.headers);
  const after = Number(header(queryHeaders.after));
  const waitMs = Number(header(queryHeaders.wait));
  const trace = readTraceContext(header);
  return {
    method: header(queryHeaders.method),
    data: message.data,
    ...(after > 0 && { after }),
    ...(waitMs > 0 && { waitMs }),
    ...(trace && { trace }),
  };
}
