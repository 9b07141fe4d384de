import { TimeoutError } from "@nats-io/transport-node";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { ErrorCode, ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { grpcStatus as grpc, nameOfGrpcStatus } from "../../../libs/kato/grpc-status.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import { maxMessageBytes } from "../../../libs/kato/rpcs.ts";
import { isNoResponders } from "../../../libs/nats/errors.ts";
import { instanceUnavailable, natsUnavailable, notOwned } from "../fleet/errors.ts";

// The errors for replies that are no success, and for requests that get no reply at all.

/**
 * Throws unless the reply to a command is a response of the instance, OKAY or FAILED. The error says the
 * command's true effect: `unknown` where it cannot be proved (A7).
 */
export function checkCommandReply(reply: Reply, context: ErrorContext): void {
  if (isResponse(reply)) return;
  // The worker left it out because it has started another command of the same key.
  if (reply.grpcStatus === grpc.ALREADY_EXISTS) throw keyRunning(context);
  if (reply.outcome === "unknown") throw effectUnknown(context);
  throw withoutEffect(reply, { ...context, effect: "none" });
}

/** The error for a command that was started, or may have been, and whose end nobody saw (A7). */
export function effectUnknown(context: ErrorContext): GatewayError {
  return new GatewayError("EFFECT_UNKNOWN", "The command may have been started, and its end was not seen.", {
    ...context,
    effect: "unknown",
  });
}

/** Throws unless the reply to a query is a response of the instance. */
export function checkQueryReply(reply: Reply, context: ErrorContext): void {
  if (isResponse(reply)) return;
  const isLost = reply.outcome === "unknown" && reply.grpcStatus !== grpc.DEADLINE_EXCEEDED;
  throw isLost ? instanceUnavailable(context) : withoutEffect(reply, context);
}

/**
 * Whether a reply has a response of the instance. A command of several RPCs has one even if one of them ended
 * with a gRPC error. The part of the answer that is about that RPC shows the error.
 */
function isResponse({ outcome, grpcStatus, data }: Reply): boolean {
  return (grpcStatus === grpc.OK || data.length > 0) && (outcome === "applied" || outcome === "failed");
}

function withoutEffect({ outcome, grpcStatus, detail }: Reply, context: ErrorContext): GatewayError {
  if (outcome === "failed") return grpcFailure(grpcStatus, detail, context);
  if (grpcStatus === grpc.UNAVAILABLE) return instanceUnavailable(context);
  return new GatewayError("DEADLINE_PASSED", "It was not started in time, and will not be.", context);
}

/** Why a request to the worker that runs a processor brought no reply. */
export function noReply(error: unknown, context: ErrorContext): GatewayError {
  if (isNoResponders(error)) return notOwned(context);
  if (error instanceof TimeoutError || (error instanceof Error && error.cause instanceof TimeoutError)) {
    return new GatewayError("DEADLINE_PASSED", "The processor did not answer in time.", context);
  }
  if (error instanceof GatewayError) return error;
  return natsUnavailable(context, error);
}

/** The error while a command of this Idempotency-Key is started and its outcome is not known yet. */
export function keyRunning(context: ErrorContext): GatewayError {
  return new GatewayError("KEY_RUNNING", "The first request with this Idempotency-Key is still running.", {
    ...context,
    effect: "unknown",
    retryAfterSeconds: 1,
  });
}

/**
 * Texts of KATO that show what was wrong with the request (docs/kato.md, RPC by RPC). They are looked for in
 * all lines: a name from the request may be repeated in them, with line breaks.
 */
const faults: { pattern: RegExp; code: ErrorCode }[] = [
  { pattern: /Unable to find and delete model/, code: "MODEL_NOT_FOUND" },
  { pattern: /could not be broadcast together/, code: "KATO_REJECTED" },
  { pattern: /recall threshold must be between/, code: "KATO_REJECTED" },
  { pattern: /no unique_id in observe call/, code: "KATO_REJECTED" },
];

/** RPCs that this KATO always fails at. */
const notSupported = new Set(["UpdateModel", "GetPredictions", "TargetClass", "TargetClear"]);

/** RPCs that may have done a part of their work when they fail. */
const partial = new Set(["Observe", "Learn"]);

/** The error for a response with `status: FAILED`. Of KATO's traceback it has only the last line. */
export function katoFailure(method: string, message: string, context: ErrorContext): GatewayError {
  const lastLine = lastLineOf(message);
  if (notSupported.has(method)) {
    return new GatewayError("NOT_SUPPORTED", `This KATO cannot do ${method}.`, {
      ...context,
      effect: "none",
    });
  }
  const code = faults.find(({ pattern }) => pattern.test(message))?.code;
  if (code) return new GatewayError(code, lastLine, { ...context, effect: "none" });
  return new GatewayError("KATO_FAILED", lastLine, {
    ...context,
    effect: partial.has(method) ? "unknown" : "none",
  });
}

/** The error for a gRPC error that the instance has answered. `detail` is the worker's text, "" for none. */
export function grpcFailure(status: number, detail: string, context: ErrorContext): GatewayError {
  if (status === grpc.UNIMPLEMENTED) {
    return new GatewayError("NOT_SUPPORTED", detail || "This KATO cannot do that.", context);
  }
  if (status === grpc.RESOURCE_EXHAUSTED) {
    const limit = detail || `larger than ${maxMessageBytes} bytes`;
    return new GatewayError("ANSWER_TOO_LARGE", `The answer is ${limit}.`, context);
  }
  const name = nameOfGrpcStatus(status) ?? status;
  return new GatewayError("KATO_FAILED", `The instance answered with the gRPC status ${name}.`, context);
}
