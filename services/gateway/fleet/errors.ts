import { storeFull } from "../../../libs/commands/log/publish-errors.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import { isStoreFull } from "../../../libs/nats/errors.ts";

// The errors that the state of the fleet leads to, wherever it is noticed: in routes, in dispatch, in bulk.

const retryAfterSeconds = 1;
/** A person has to decide first. */
const heldRetryAfterSeconds = 60;

/** The error while NATS cannot be reached, does not answer, or refuses to write because it is full. */
export function natsUnavailable(context: ErrorContext, cause?: unknown): GatewayError {
  if (isStoreFull(cause)) return storeFull(context, cause);
  return new GatewayError(
    "NATS_UNAVAILABLE",
    "NATS cannot be reached.",
    { ...context, retryAfterSeconds },
    { cause },
  );
}

/** The error while the registry was made anew and the processors of the settings are not in it yet. */
export function registryIncomplete(context: ErrorContext): GatewayError {
  return new GatewayError("NATS_UNAVAILABLE", "The registry is being made anew.", {
    ...context,
    retryAfterSeconds,
  });
}

/** The error while no worker runs the processor. */
export function notOwned(context: ErrorContext): GatewayError {
  return new GatewayError("NOT_OWNED", "No worker runs this processor at the moment.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}

/** The error while a processor is held until an operator decides. `reason` says why it is. */
export function held(reason: string, context: ErrorContext): GatewayError {
  const detail = `Nothing is applied until an operator decides: ${reason}.`;
  return new GatewayError("HELD", detail, {
    ...context,
    effect: "none",
    retryAfterSeconds: heldRetryAfterSeconds,
  });
}

/** The error while the worker cannot reach the processor's instance. */
export function instanceUnavailable(context: ErrorContext): GatewayError {
  return new GatewayError("INSTANCE_UNAVAILABLE", "The processor's KATO instance cannot be reached.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}

/**
 * Runs a task that uses NATS and does not change the processor, "" for one that is about none. Throws NATS_UNAVAILABLE if NATS is not
 * there or fails; a GatewayError of the task passes as it is.
 */
export async function withNats<T>(
  { nats }: { nats: NatsLink },
  processor: string,
  task: () => Promise<T>,
): Promise<T> {
  const context: ErrorContext = { ...(processor !== "" && { processor }), effect: "none" };
  if (!nats.connected) throw natsUnavailable(context);
  try {
    return await task();
  } catch (error) {
    throw error instanceof GatewayError ? error : natsUnavailable(context, error);
  }
}
