import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { answeredWithin } from "../../../libs/nats/answered-within.ts";
import type { RouteOptions } from "./backend.ts";
import { natsUnavailable, registryIncomplete } from "./errors.ts";

const readyTimeoutMs = 1_000;

/**
 * Throws unless requests can be sent to this gateway: NATS takes what is written, and the processors of the
 * settings are registered. A connection alone shows neither: JetStream may be full, or without a leader, or may
 * have lost all that it had.
 */
export async function checkReady({ backend, stopping }: RouteOptions): Promise<void> {
  const { nats, stores, registrations } = backend();
  if (stopping.aborted) throw new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.");
  if (!nats.connected) throw natsUnavailable({});
  let isCurrent: boolean;
  try {
    await answeredWithin(stores.outcomes.tryWriting(), readyTimeoutMs);
    isCurrent = await registrations.isCurrent(readyTimeoutMs);
  } catch (error) {
    throw natsUnavailable({}, error);
  }
  if (!isCurrent) throw registryIncomplete({});
}
