import { JetStreamApiError } from "@nats-io/jetstream";
import { InvalidArgumentError, TimeoutError } from "@nats-io/transport-node";
import type { ErrorContext } from "../../errors/gateway-error.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import { isNoResponders, isStoreFullCode } from "../../nats/errors.ts";

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

/** The error to report for a publish that has certainly stored nothing; undefined if it may have. */
export function refusalOf(error: unknown, processor: string): GatewayError | undefined {
  const context = { processor, effect: "none", retryAfterSeconds: 1 } as const;
  if (error instanceof JetStreamApiError) {
    const refusal = refusalOfCode(error.code, { processor, effect: "none" }, error);
    if (refusal) return refusal;
    return new GatewayError("NATS_UNAVAILABLE", "JetStream refused the command.", context, { cause: error });
  }
  // In this way nats.js reports that no stream takes the subject.
  if (error instanceof Error && isNoResponders(error.cause)) {
    return new GatewayError("NATS_UNAVAILABLE", "JetStream does not answer.", context, { cause: error });
  }
  if (error instanceof InvalidArgumentError) return tooLarge({ processor, effect: "none" }, error);
  return undefined;
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

/** The error to report for a publish that may have stored the command. */
export function unanswered(processor: string, cause: unknown): GatewayError {
  const why = cause instanceof TimeoutError ? "did not acknowledge the command in time" : "cannot be reached";
  return new GatewayError(
    "NATS_UNAVAILABLE",
    `NATS ${why}.`,
    { processor, effect: "unknown", retryAfterSeconds: 1 },
    { cause },
  );
}
