import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";

/**
 * What became of a command or a query.
 *
 * - `applied`: the instance has its effect.
 * - `failed`: the instance, or the applier for it, refused it.
 * - `expired`: it was not started and never will be; it is gone from the log.
 * - `unknown`: it was started and its end was not seen (A7).
 */
export type Outcome = "applied" | "failed" | "expired" | "unknown";

const outcomes: readonly string[] = ["applied", "failed", "expired", "unknown"] satisfies Outcome[];

/** The answer to a command or a query. */
export interface Reply {
  outcome: Outcome;
  /** The command's place in the log; 0 for a query. */
  sequence: number;
  /**
   * The interval that clients see, which goes on counting over a restart; absent where no instance answered.
   */
  interval?: number;
  /** The gRPC status: 0, or that of the error that `failed`, `expired` or `unknown` comes from. */
  grpcStatus: number;
  /** What the gRPC error says, for people. */
  detail: string;
  /** The model that an Observe made KATO learn by itself, or "". */
  autoLearnedModel: string;
  /** Unix ms at which it came about, where it is kept: so that an answer given again is the same. */
  atMs?: number;
  /** The protobuf response; empty where there was none. */
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

/** The headers of a reply's message; its data is the message's. What is zero or empty is left out. */
export function headersOfReply(reply: Reply): MsgHdrs {
  const all = headers();
  all.set(replyHeaders.outcome, reply.outcome);
  if (reply.sequence !== 0) all.set(replyHeaders.sequence, String(reply.sequence));
  if (reply.interval !== undefined) all.set(replyHeaders.interval, String(reply.interval));
  if (reply.grpcStatus !== 0) all.set(replyHeaders.grpcStatus, String(reply.grpcStatus));
  // A header is one line.
  if (reply.detail !== "") all.set(replyHeaders.detail, reply.detail.replace(/\s+/g, " "));
  if (reply.atMs !== undefined) all.set(replyHeaders.at, String(reply.atMs));
  if (reply.autoLearnedModel !== "") all.set(replyHeaders.autoLearnedModel, reply.autoLearnedModel);
  return all;
}

/** The reply in a message; one that is none of ours reads as `unknown`. */
export function replyOfMessage(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): Reply {
  const header = (name: string) => message.headers?.get(name) ?? "";
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

/** What the headers of a command or a reply may take of NATS's max_payload. */
const headerRoomBytes = 4_096;

/** The largest data of a command or a reply, in bytes, where NATS takes messages of `maxPayloadBytes`. */
export function maxDataBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes - headerRoomBytes;
}
