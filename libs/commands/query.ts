import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { readTraceContext, writeTraceContext } from "../telemetry/trace-context.ts";

/** What is asked of the worker that runs a processor, between two commands. */
export interface Query {
  /** An RPC's name. */
  method: string;
  /** The protobuf request. */
  data: Uint8Array;
  /** Answered no earlier than when the command at this sequence has been applied. */
  after?: number;
  /** How long it may wait for that. */
  waitMs?: number;
  /** The trace of the request that it came of. */
  trace?: TraceContext | undefined;
}

const queryHeaders = { method: "Kato-Method", after: "Kato-After", wait: "Kato-Wait" } as const;

/** The headers of a query's message; its data is the message's. */
export function headersOfQuery({ method, after, waitMs, trace }: Omit<Query, "data">): MsgHdrs {
  const all = headers();
  all.set(queryHeaders.method, method);
  if (after !== undefined) all.set(queryHeaders.after, String(after));
  if (waitMs !== undefined) all.set(queryHeaders.wait, String(waitMs));
  writeTraceContext(trace, (name, value) => all.set(name, value));
  return all;
}

/** The query in a message; without a method it is one that nobody can answer. */
export function queryOfMessage(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): Query {
  const header = (name: string) => message.headers?.get(name) ?? "";
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
