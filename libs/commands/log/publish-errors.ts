import { InvalidArgumentError } from "@nats-io/transport-node";
import type { ErrorContext } from "../../errors/gateway-error.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import { isStoreFullCode } from "../../nats/errors.ts";

/**
 * By default (LOG_TRIM_MS) the logs are trimmed every ten seconds. So a log that is full may have room then.
 */
const fullRetryAfterSeconds = 10;

/** JetStream's error codes for a message that it does not store. */
export const errorCodes = {
  messageTooLarge: 10054,
  noStorage: 10047,
  storeFailed: 10077,
  wrongLastMessageId: 10070,
} as const;

/** Why JetStream does not store a message, in its own words. The code is 0 if no stream takes the subject. */
export interface PublishRefusal {
  code: number;
  description: string;
}

/** The error to report for a command that JetStream refuses. It is certainly not stored. */
export function refusalOf({ code, description }: PublishRefusal, processor: string): GatewayError {
  const cause = new Error(description);
  const refusal = refusalOfCode(code, { processor, effect: "none" }, cause);
  if (refusal) return refusal;
  const detail = code === 0 ? "JetStream does not answer." : "JetStream refused the command.";
  return notStored(processor, detail, cause);
}

/** The error to report for a command that nats.js did not send, for this cause. */
export function notSent(processor: string, cause: unknown): GatewayError {
  if (cause instanceof InvalidArgumentError) return tooLarge({ processor, effect: "none" }, cause);
  return notStored(processor, "NATS cannot be reached.", cause);
}

function notStored(processor: string, detail: string, cause: unknown): GatewayError {
  const context = { processor, effect: "none", retryAfterSeconds: 1 } as const;
  return new GatewayError("NATS_UNAVAILABLE", detail, context, { cause });
}

/**
 * The error to report for one of JetStream's error codes after which sending again cannot help; undefined for
 * any other code.
 */
export function refusalOfCode(
  code: number,
  context: ErrorContext,
  cause?: unknown,
): GatewayError | undefined {
  if (code === errorCodes.noStorage || code === errorCodes.storeFailed) return logFull(context, cause);
  if (isStoreFullCode(code)) return storeFull(context, cause);
  if (code === errorCodes.messageTooLarge) return tooLarge(context, cause);
  return undefined;
}

/** The error to report while all of JetStream's storage is used, or what commands may have of it. */
export function storeFull(context: ErrorContext, cause?: unknown): GatewayError {
  return new GatewayError(
    "STORE_FULL",
    "NATS has no room for more commands, of any processor.",
    { ...context, retryAfterSeconds: fullRetryAfterSeconds },
    { cause },
  );
}

/** The error to report while a processor's log has reached its limit. */
export function logFull(context: ErrorContext, cause?: unknown): GatewayError {
  const more = { retryAfterSeconds: fullRetryAfterSeconds, limit: { name: "log" } };
  return new GatewayError(
    "LOG_FULL",
    "The command log of this processor takes no more.",
    { ...context, ...more },
    { cause },
  );
}

function tooLarge(context: ErrorContext, cause: unknown): GatewayError {
  return new GatewayError("TOO_LARGE", "The command is larger than NATS takes.", context, { cause });
}

/**
 * The error to report for a publish that may have stored the command: it was not answered in time, or, if there is a
 * cause, could not be repeated.
 */
export function unanswered(processor: string, cause?: unknown): GatewayError {
  const why = cause === undefined ? "did not acknowledge the command in time" : "cannot be reached";
  return new GatewayError(
    "NATS_UNAVAILABLE",
    `NATS ${why}.`,
    { processor, effect: "unknown", retryAfterSeconds: 1 },
    { cause },
  );
}
