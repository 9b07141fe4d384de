import type { LogLimits } from "../commands/log/create-log.ts";
import type { Environment } from "../config/environment.ts";
import type { NatsServers } from "../nats/servers.ts";
import { hostAndPort, natsServers } from "../nats/servers.ts";
import type { StoreRoomOptions } from "../nats/store-room.ts";
import type { EndpointAllow } from "../registry/endpoint-allow.ts";
import { readEndpointAllow } from "../registry/endpoint-allow.ts";
import type { EndpointPolicy, EndpointPolicyOptions, OwnServer } from "../registry/endpoint-policy.ts";
import { endpointPolicy } from "../registry/endpoint-policy.ts";

/** The settings that gateways, workers and discovery have in common. */
export interface CommonSettings {
  nats: NatsServers;
  /** How many replicas NATS keeps of each stream and bucket that is created. */
  natsReplicas: number;
  /** The limits of one processor's command log. */
  logLimits: LogLimits;
  /** How much room there is in JetStream's storage. */
  room: Pick<StoreRoomOptions, "maxBytes" | "reservePercent">;
  /** Which endpoints of instances may be connected to. */
  endpointAllow: EndpointAllow;
}

const defaultLogBytes = 4 * 1024 ** 3;

/** Reads these settings. Wrong ones are noted in `environment`. */
export function commonSettings(environment: Environment): CommonSettings {
  const natsReplicas = environment.integer("NATS_REPLICAS", 1, { min: 1, max: 5 });
  return {
    nats: natsServers(environment),
    natsReplicas,
    logLimits: logLimits(environment, natsReplicas),
    room: {
      maxBytes: environment.integer("STORE_MAX_BYTES", 0, { min: 0, max: Number.MAX_SAFE_INTEGER }),
      reservePercent: environment.integer("STORE_RESERVE_PERCENT", 10, { min: 1, max: 50 }),
    },
    endpointAllow: readEndpointAllow(environment.list("ENDPOINT_ALLOW", ""), (what) =>
      environment.problem("ENDPOINT_ALLOW", what),
    ),
  };
}

/** Which endpoints a service may connect to that listens here itself. */
export function policyOf(
  { endpointAllow, nats }: Pick<CommonSettings, "endpointAllow" | "nats">,
  listening: OwnServer,
  restWithoutAllow: EndpointPolicyOptions["restWithoutAllow"],
): EndpointPolicy {
  const ownServers = [listening, ...nats.servers.map(hostAndPort)];
  return endpointPolicy({ allow: endpointAllow, restWithoutAllow, ownServers });
}

/**
 * The limits of a log. A limit that is set is held by JetStream, which is exact, and puts the room aside when
 * it creates the log. The default is held by the gateways: hardly any storage has that room for every log.
 */
function logLimits(environment: Environment, replicas: number): LogLimits {
  const isSet = environment.text("LOG_MAX_BYTES", "") !== "";
  const bytes = environment.integer("LOG_MAX_BYTES", defaultLogBytes, {
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
  });
  return { replicas, maxBytes: isSet ? bytes : -1, heldBytes: isSet ? -1 : bytes };
}
