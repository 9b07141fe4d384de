import type { MsgHdrs } from "@nats-io/transport-node";
import { headerReader, headersOf } from "../../nats/headers.ts";

/**
 * How a command or a query ended:
 * - `applied`: the instance has executed it.
 * - `failed`: the instance refused it, or the worker did.
 * - `expired`: it was not started in time. It is gone from the log and will never be started.
 * - `unknown`: it was started, and nobody saw its end (A7).
 */
export type Outcome = "applied" | "failed" | "expired" | "unknown";

const outcomes: readonly string[] = ["applied", "failed", "expired", "unknown"] satisfies Outcome[];

/** What a worker answers to a command or a query. */
export interface Reply {
  outcome: Outcome;
  /** The command's place in the log; 0 for a query. */
  sequence: number;
  /**
   * The interval as clients see it: unlike KATO's own it goes on counting over a restart. Absent if no
   * instance answered.
   */
  interval?: number;
  /** A gRPC status code: 0 for OK, else that of the error. */
  grpcStatus: number;
  /** The text of the gRPC error, for people; "" without one. */
  detail: string;
  /** The name of the model that KATO learned by itself at this Observe; "" if it did not. */
  autoLearnedModel: string;
  /**
   * Unix ms of the outcome. It is set in kept replies, so that an answer that is given again has the same
   * time.
   */
  atMs?: number;
  /** The protobuf response; empty if there was none. */
  data: Uint8Array;
}

const replyHeaders = {
  outcome: "Kato-Outcome",
  sequence: "Kato-Sequence",
  interval: "Kato-Interval",
  grpcStatus: "Kato-Grpc-Status",
  detail: "Kato-Detail",
  autoLearnedModel: "Kato-Auto-Learned-Model",
  at: "Kato-Time",
} as const;

/**
 * The headers of the message for a reply. The reply's data is the message's data. Zeros and empty texts are
 * left out.
 */
export function headersOfReply(reply: Reply): MsgHdrs {
  const all: Record<string, string> = { [replyHeaders.outcome]: reply.outcome };
  if (reply.sequence !== 0) all[replyHeaders.sequence] = String(reply.sequence);
  if (reply.interval !== undefined) all[replyHeaders.interval] = String(reply.interval);
  if (reply.grpcStatus !== 0) all[replyHeaders.grpcStatus] = String(reply.grpcStatus);
  // The value of a header is one line.
  if (reply.detail !== "") all[replyHeaders.detail] = reply.detail.replace(/\s+/g, " ");
  if (reply.atMs !== undefined) all[replyHeaders.at] = String(reply.atMs);
  if (reply.autoLearnedModel !== "") all[replyHeaders.autoLearnedModel] = reply.autoLearnedModel;
  return headersOf(all);
}

/** The reply in a message. If the message has no valid outcome, that is `unknown`. */
export function replyOfMessage(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): Reply {
  const header = headerReader(message.headers);
  const outcome = header(replyHeaders.outcome);
  const interval = header(replyHeaders.interval);
  const at = header(replyHeaders.at);
  return {
    outcome: isOutcome(outcome) ? outcome : "unknown",
    sequence: Number(header(replyHeaders.sequence)),
    ...(interval !== "" && { interval: Number(interval) }),
    grpcStatus: Number(header(replyHeaders.grpcStatus)),
    detail: header(replyHeaders.detail),
    autoLearnedModel: header(replyHeaders.autoLearnedModel),
    ...(at !== "" && { atMs: Number(at) }),
    data: message.data,
  };
}

function isOutcome(text: string): text is Outcome {
  return outcomes.includes(text);
}

/** Enough for the headers of any command or reply. */
const maxHeaderBytes = 4_096;

/**
 * The largest data of a command or a reply, in bytes, if the largest message that NATS takes has
 * `maxPayloadBytes`.
 */
export function maxDataBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes - maxHeaderBytes;
}
