import type { Environment } from "../config/environment.ts";
import type { NatsServers } from "../nats/servers.ts";
import { natsServers } from "../nats/servers.ts";
import type { EndpointPolicy } from "../registry/endpoint-policy.ts";
import { endpointPolicy } from "../registry/endpoint-policy.ts";

/** The settings that gateways, workers and discovery have in common. */
export interface CommonSettings {
  nats: NatsServers;
  /** How many replicas NATS keeps of each stream and bucket that is created. */
  natsReplicas: number;
  /** The largest size of one processor's command log, in bytes; -1 for no limit but the server's. */
  logMaxBytes: number;
  /** Which endpoints of instances may be connected to. */
  endpointPolicy: EndpointPolicy;
}

/** The allowed values of a port to listen on. 0 stands for any free port. */
export const anyPort = { min: 0, max: 65_535 };

/** Reads these settings. Wrong ones are noted in `environment`. */
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
