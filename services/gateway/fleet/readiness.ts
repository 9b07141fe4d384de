import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { RouteOptions } from "./backend.ts";

const readyTimeoutMs = 1_000;

/** Throws unless requests can be sent to this gateway: the error says why they cannot. */
export async function checkReady({ backend, stopping }: RouteOptions): Promise<void> {
  const { nats, registry } = backend();
  if (stopping.aborted) throw new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.");
  if (!nats.connected) throw new GatewayError("NATS_UNAVAILABLE", "NATS cannot be reached.");
  if (!(await registry.answers(readyTimeoutMs))) {
    throw new GatewayError("NATS_UNAVAILABLE", "JetStream does not answer.");
  }
}
