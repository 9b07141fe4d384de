import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { acceptedCodings } from "./content-coding.ts";
import { setCommandHeaders, setRateLimit } from "./headers.ts";
import { problemOf, sentenceOf } from "./problem.ts";
import { wrongFields } from "./validation-errors.ts";

/**
 * Makes the handler that answers a failed request with `application/problem+json` (RFC 9457). Internal
 * details go to the log only. With `legacyErrors` a body that is not JSON becomes a 500, as in the old front
 * end (docs/api.md, One processor). `reasonOf` says why a processor's instance is away, "" if that is not
 * known.
 */
export function errorHandler(options: { legacyErrors: boolean; reasonOf: (processor: string) => string }) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = withReason(GatewayError.from(fromFastify(error)), options.reasonOf);
    const problem = problemOf(known);
    const status = options.legacyErrors && known.code === "BODY_NOT_JSON" ? 500 : known.status;
    const { retryAfterSeconds, limit } = known.context;
    if (known.code === "INTERNAL")
      request.log.error({ err: known, request: request.id }, "the gateway failed on a request");
    if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
    if (known.code === "UNAUTHENTICATED") reply.header("www-authenticate", "Bearer");
    if (limit) setRateLimit(reply, { ...limit, available: 0, seconds: retryAfterSeconds });
    if (known.code === "UNSUPPORTED_MEDIA_TYPE") reply.header("accept-encoding", acceptedCodings);
    setCommandHeaders(reply, known.context);
    // The rest of a body that is too much is not worth reading.
    if (known.code === "OVERLOADED" && !request.raw.complete) reply.header("connection", "close");
    request.outcome = known.code;
    return reply
      .code(status)
      .type("application/problem+json")
      .send({ ...problem, status, request_id: request.id });
  };
}

function withReason(error: GatewayError, reasonOf: (processor: string) => string): GatewayError {
  const { code, message, context, cause } = error;
  const reason = code === "INSTANCE_UNAVAILABLE" ? reasonOf(context.processor ?? "") : "";
  if (reason === "") return error;
  const more = { ...context.more, reason };
  return new GatewayError(code, `${message.replace(/\.$/, "")}: ${reason}.`, { ...context, more }, { cause });
}

/**
 * Translates Fastify's own errors: a body that is too large, a path that cannot be decoded, a schema that
 * does not match.
 */
function fromFastify(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof GatewayError) return error;
  const { validation, statusCode, code, message } = error as FastifyError;
  if (validation) {
    const errors = wrongFields(validation);
    return new GatewayError("INVALID_INPUT", sentenceOf(errors), { effect: "none", errors });
  }
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE" || statusCode === 413) {
    return new GatewayError("TOO_LARGE", message, { effect: "none" });
  }
  if (statusCode === 415) return new GatewayError("UNSUPPORTED_MEDIA_TYPE", message, { effect: "none" });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new GatewayError("BAD_REQUEST", message, { effect: "none" });
  }
  return error;
}
