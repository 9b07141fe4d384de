import { maxDataBytes } from "../../../libs/commands/reply.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../../libs/kato/channel.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import type { Outgoing } from "../dispatch/send-command.ts";
import type { Backend } from "../open-backend.ts";

const retryAfterSeconds = 1;

/** Refuses what is known not to be answered (docs/architecture.md, Commands: admission). */
export function refuseEarly(backend: Backend, outgoing: Outgoing): void {
  refuseUnsendable(backend, outgoing);
  const { states } = backend;
  const { processor } = outgoing;
  const context: ErrorContext = { processor, effect: "none" };
  if (states.isUnowned(processor)) throw notOwned(context);
  if (states.get(processor)?.state === "down") throw instanceAway(context);
}

/** The largest request that both NATS and KATO take, in bytes. */
export function requestLimitBytes({ maxPayloadBytes }: Pick<NatsLink, "maxPayloadBytes">): number {
  return Math.min(maxMessageBytes, maxDataBytes(maxPayloadBytes));
}

/** Refuses what cannot even be stored. */
export function refuseUnsendable({ nats }: Backend, { processor, data }: Outgoing): void {
  const context: ErrorContext = { processor, effect: "none" };
  const limit = requestLimitBytes(nats);
  if (data.length > limit) {
    throw new GatewayError(
      "TOO_LARGE",
      `The request is ${data.length} bytes for KATO, the limit is ${limit}.`,
      context,
    );
  }
  if (!nats.connected) throw natsAway(context);
}

/** A command of this Idempotency-Key was started, and what became of it is not known yet. */
export function keyRunning(context: ErrorContext): GatewayError {
  return new GatewayError("KEY_RUNNING", "The first request with this Idempotency-Key is still running.", {
    ...context,
    effect: "unknown",
    retryAfterSeconds,
  });
}

/** NATS is away. */
export function natsAway(context: ErrorContext, cause?: unknown): GatewayError {
  return new GatewayError(
    "NATS_UNAVAILABLE",
    "NATS cannot be reached.",
    { ...context, retryAfterSeconds },
    { cause },
  );
}

/** Does something with NATS that has no effect on the processor; throws NATS_UNAVAILABLE where NATS does not do it. */
export async function fromNats<T>({ nats }: Backend, processor: string, ask: () => Promise<T>): Promise<T> {
  const context: ErrorContext = { processor, effect: "none" };
  if (!nats.connected) throw natsAway(context);
  try {
    return await ask();
  } catch (error) {
    throw error instanceof GatewayError ? error : natsAway(context, error);
  }
}

/** There is no such processor. */
export function processorNotFound(processor: string): GatewayError {
  return new GatewayError("PROCESSOR_NOT_FOUND", `Processor ${processor} not found`, {
    processor,
    effect: "none",
  });
}

/** Nobody runs the processor. */
export function notOwned(context: ErrorContext): GatewayError {
  return new GatewayError("NOT_OWNED", "No worker runs this processor at the moment.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}

/** The processor's instance is down. */
export function instanceAway(context: ErrorContext): GatewayError {
  return new GatewayError("INSTANCE_UNAVAILABLE", "The processor's KATO instance cannot be reached.", {
    ...context,
    effect: "none",
    retryAfterSeconds,
  });
}
