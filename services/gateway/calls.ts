import { status as grpc } from "@grpc/grpc-js";
import { NoRespondersError, nuid, RequestError, TimeoutError } from "@nats-io/transport-node";
import { headersOfCommand } from "../../libs/commands/command.ts";
import type { Stored } from "../../libs/commands/log.ts";
import { cancelSubject, querySubject } from "../../libs/commands/names.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import { replyOfMessage } from "../../libs/commands/reply.ts";
import type { ErrorContext } from "../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../libs/kato/channel.ts";
import type { Backend } from "./backend.ts";
import { grpcFailure } from "./kato-failure.ts";

/** A command or a query as a route sends it. */
export interface Outgoing {
  processor: string;
  method: string;
  /** The protobuf request. */
  data: Uint8Array;
  /** How long the client waits. */
  waitMs: number;
}

/** What came back: a response of the instance, OKAY or FAILED. */
export interface Answered {
  reply: Reply;
  /** The command's id; "" for a query. */
  command: string;
}

const cancelTimeoutMs = 1_000;
/** What headers may take of NATS's max_payload. */
const headerRoomBytes = 4_096;
const retryAfterSeconds = 1;

/**
 * Sends a command through the processor's log and waits for its reply. Throws a GatewayError for whatever is not a
 * response of the instance, with its true effect: `unknown` where it cannot be proved (A7).
 */
export async function sendCommand(backend: Backend, outgoing: Outgoing): Promise<Answered> {
  const { processor, waitMs, ...message } = outgoing;
  refuseEarly(backend, outgoing);
  const id = nuid.next();
  const context: ErrorContext = { processor, command: id };
  const expected = backend.replies.expect(waitMs);
  const storing = backend.logs.append({
    ...message,
    processor,
    id,
    replyTo: expected.subject,
    deadlineMs: Date.now() + waitMs,
  });
  // The reply is waited for, not the acknowledgement; but an acknowledgement that is an error ends the waiting.
  const refused = new Promise<never>((_, reject) => {
    storing.catch(reject);
  });
  try {
    const reply =
      (await Promise.race([expected.reply, refused])) ?? (await giveUp(backend, processor, storing));
    return { reply: commandReply(reply, { ...context, sequence: reply.sequence }), command: id };
  } catch (error) {
    const known = GatewayError.from(error);
    throw new GatewayError(
      known.code,
      known.message,
      { ...context, ...known.context },
      { cause: known.cause },
    );
  } finally {
    expected.abandon();
  }
}

/** Sends a query to the worker that runs the processor and waits for the answer. A query never has an effect. */
export async function sendQuery(backend: Backend, outgoing: Outgoing): Promise<Answered> {
  const { processor, method, data, waitMs } = outgoing;
  refuseEarly(backend, outgoing);
  const context: ErrorContext = { processor, effect: "none" };
  try {
    const message = await backend.nats.connection.request(querySubject(processor), data, {
      timeout: Math.max(waitMs, 1),
      headers: headersOfCommand({ id: "", processor, method, data }),
    });
    return { reply: queryReply(replyOfMessage(message), context), command: "" };
  } catch (error) {
    throw queryFailure(error, context);
  }
}

/** Refuses what is known not to be answered (DESIGN.md, Commands: admission). */
function refuseEarly({ nats, states }: Backend, { processor, data }: Outgoing): void {
  const context: ErrorContext = { processor, effect: "none" };
  const limit = Math.min(maxMessageBytes, nats.maxPayloadBytes - headerRoomBytes);
  if (data.length > limit) {
    throw new GatewayError(
      "TOO_LARGE",
      `The request is ${data.length} bytes for KATO, the limit is ${limit}.`,
      context,
    );
  }
  if (!nats.connected) throw natsAway(context);
  if (states.isUnowned(processor)) throw notOwned(context);
  if (states.get(processor)?.state === "down") throw instanceAway(context);
}

/** When the wait is over: has the worker leave the command alone if it has not started it. */
async function giveUp(backend: Backend, processor: string, storing: Promise<Stored>): Promise<Reply> {
  try {
    const { sequence } = await storing;
    const answer = await backend.nats.connection.request(cancelSubject(processor), String(sequence), {
      timeout: cancelTimeoutMs,
    });
    return replyOfMessage(answer);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError("EFFECT_UNKNOWN", "The time is over, and the worker does not answer.", {
      effect: "unknown",
    });
  }
}

/** The command's reply when the instance has responded, OKAY or FAILED. */
function commandReply(reply: Reply, context: ErrorContext): Reply {
  if (isResponse(reply)) return reply;
  if (reply.outcome === "unknown") {
    throw new GatewayError("EFFECT_UNKNOWN", "The command was started, and its end was not seen.", {
      ...context,
      effect: "unknown",
    });
  }
  throw withoutEffect(reply, { ...context, effect: "none" });
}

/** The query's reply when the instance has responded. */
function queryReply(reply: Reply, context: ErrorContext): Reply {
  if (isResponse(reply)) return reply;
  if (reply.outcome === "unknown" && reply.grpcStatus !== grpc.DEADLINE_EXCEEDED) throw instanceAway(context);
  throw withoutEffect(reply, context);
}

function isResponse({ outcome, grpcStatus }: Reply): boolean {
  return grpcStatus === grpc.OK && (outcome === "applied" || outcome === "failed");
}

function withoutEffect({ outcome, grpcStatus, detail }: Reply, context: ErrorContext): GatewayError {
  if (outcome === "failed") return grpcFailure(grpcStatus, detail, context);
  if (grpcStatus === grpc.UNAVAILABLE) return instanceAway(context);
  return new GatewayError("DEADLINE_PASSED", "It was not started in time, and will not be.", context);
}

function queryFailure(error: unknown, context: ErrorContext): GatewayError {
  if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())) {
    return notOwned(context);
  }
  if (error instanceof TimeoutError || (error instanceof Error && error.cause instanceof TimeoutError)) {
    return new GatewayError("DEADLINE_PASSED", "The processor did not answer in time.", context);
  }
  if (error instanceof GatewayError) return error;
  return natsAway(context, error);
}

function natsAway(context: ErrorContext, cause?: unknown): GatewayError {
  return new GatewayError(
    "NATS_UNAVAILABLE",
    "NATS cannot be reached.",
    { ...context, retryAfterSeconds },
    { cause },
  );
}

function notOwned(context: ErrorContext): GatewayError {
  return new GatewayError("NOT_OWNED", "No worker runs this processor at the moment.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}

function instanceAway(context: ErrorContext): GatewayError {
  return new GatewayError("INSTANCE_UNAVAILABLE", "The processor's KATO instance cannot be reached.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}
