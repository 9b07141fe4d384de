import type { Environment } from "../config/environment.ts";
import type { NatsServers } from "../nats/servers.ts";
import { natsServers } from "../nats/servers.ts";
import type { EndpointPolicy } from "../registry/endpoint-policy.ts";
import { endpointPolicy } from "../registry/endpoint-policy.ts";

/** What gateways, workers and discovery are told alike. */
export interface CommonSettings {
  nats: NatsServers;
  /** Replicas of every stream and bucket that is created. */
  natsReplicas: number;
  /** Bytes one processor's command log may hold, -1 for no limit but the server's. */
  logMaxBytes: number;
  /** Which endpoints may be connected to. */
  endpointPolicy: EndpointPolicy;
}

/** The range of a port that a service listens on; 0: any free one. */
export const anyPort = { min: 0, max: 65_535 };

/** Reads what every service is told; what is wrong is noted in `environment`. */
export function commonSettings(environment: Environment): CommonSettings {
  return {
    nats: natsServers(environment),
    natsReplicas: environment.integer("NATS_REPLICAS", 1, { min: 1, max: 5 }),
    logMaxBytes: environment.integer("LOG_MAX_BYTES", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
    endpointPolicy: endpointPolicy(environment.list("ENDPOINT_ALLOW", ""), (what) =>
      environment.problem("ENDPOINT_ALLOW", what),
    ),
  };
}
