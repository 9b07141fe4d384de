import { status as grpc } from "@grpc/grpc-js";
import type { ErrorCode, ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../../libs/kato/channel.ts";
import { lastLineOf } from "../../../libs/kato/last-line.ts";

/**
 * What KATO's text shows of whose fault it was (docs/kato.md, RPC by RPC; docs/architecture.md, Errors), in whatever line of it: a name that it
 * repeats may have line breaks.
 */
const faults: { pattern: RegExp; code: ErrorCode }[] = [
  { pattern: /Unable to find and delete model/, code: "MODEL_NOT_FOUND" },
  { pattern: /could not be broadcast together/, code: "KATO_REJECTED" },
  { pattern: /recall threshold must be between/, code: "KATO_REJECTED" },
  { pattern: /no unique_id in observe call/, code: "KATO_REJECTED" },
];

/** RPCs that this KATO answers with a failure whatever they are asked. */
const notSupported = new Set(["UpdateModel", "GetPredictions", "TargetClass", "TargetClear"]);

/** RPCs that may have done a part of their work when they fail. */
const partial = new Set(["Observe", "Learn"]);

/** The error that a response with `status: FAILED` becomes: of its traceback nothing but the last line. */
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

/** The error that a gRPC error becomes which is an answer; `detail` is what the worker says of it, "" for nothing. */
export function grpcFailure(status: number, detail: string, context: ErrorContext): GatewayError {
  if (status === grpc.UNIMPLEMENTED) {
    return new GatewayError("NOT_SUPPORTED", detail || "This KATO cannot do that.", context);
  }
  if (status === grpc.RESOURCE_EXHAUSTED) {
    const limit = detail || `larger than ${maxMessageBytes} bytes`;
    return new GatewayError("ANSWER_TOO_LARGE", `The answer is ${limit}.`, context);
  }
  const name = grpc[status] ?? status;
  return new GatewayError("KATO_FAILED", `The instance answered with the gRPC status ${name}.`, context);
}
