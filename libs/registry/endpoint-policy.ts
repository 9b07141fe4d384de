import { isIP } from "node:net";
import { addressOf } from "../kato/address.ts";
import type { Location } from "../kato/host-addresses.ts";
import { addressesOf } from "../kato/host-addresses.ts";
import { isLoopback, isOfThisMachine, isUnsafe, plainAddress, translatedAddresses } from "./addresses.ts";
import type { EndpointAllow } from "./endpoint-allow.ts";
import { normalized } from "./endpoint-allow.ts";
import type { Source } from "./processor-entry.ts";
import { hostOf, isTrusted } from "./processor-entry.ts";

/**
 * Says where an endpoint that this source has named may be connected to, or why nowhere. Whoever connects has
 * to use the addresses that it is given: asked again, a name may lead elsewhere. Never rejects.
 */
export type EndpointPolicy = (endpoint: string, source: Source) => Promise<Location>;

/** A server that is no instance. */
export interface OwnServer {
  host: string;
  port: number;
}

export interface EndpointPolicyOptions {
  allow: EndpointAllow;
  /** What may come over REST while ENDPOINT_ALLOW is not set. */
  restWithoutAllow: "loopback" | "nothing";
  /** This service's own port, and NATS. */
  ownServers: readonly OwnServer[];
  resolve?: (host: string) => Promise<string[]>;
}

/**
 * The policy of the setting ENDPOINT_ALLOW.
 *
 * - With it, only what it has is allowed. Without it, whoever writes the settings is trusted with any endpoint,
 *   and REST with loopback at most.
 * - Link-local addresses, and those at which clouds serve credentials, are refused unless an address or a
 *   network of the list has them. So is a host name that leads to one of them.
 * - REST may not name a server that is ours and no instance.
 * - A host name is resolved at each call, because its addresses can change. All of them have to be allowed. A
 *   name that does not resolve has no addresses. It is refused where only an address could show that it is
 *   allowed, unless the list has any network: its addresses are checked at a later call.
 */
export function endpointPolicy(options: EndpointPolicyOptions): EndpointPolicy {
  const { allow, restWithoutAllow, resolve = addressesOf } = options;
  const locate = async (host: string) => (isIP(host) ? [host] : await resolve(host));

  return async (endpoint, source) => {
    const host = normalized(hostOf(endpoint) ?? "");
    if (host === "") return { refusal: `"${endpoint}" is not an endpoint: host:port` };
    const isListedName = allow.hasName(host);
    const notListed = { refusal: `"${host}" is not in ENDPOINT_ALLOW` };
    if (allow.isSet && !isListedName && !allow.hasNetworks) return notListed;
    const mustBeLoopback = !allow.isSet && !isTrusted(source);
    if (mustBeLoopback && restWithoutAllow === "nothing") return { refusal: restNeedsAllow(host) };

    const addresses = await locate(host);
    if (addresses.some((address) => isUnlistedUnsafe(allow, address))) {
      const what = "is a link-local or metadata address, or leads to one";
      return { refusal: `"${host}" ${what}, and ENDPOINT_ALLOW does not have it` };
    }
    const isListed = isListedName || addresses.every((address) => allow.hasAddress(address));
    if (allow.isSet && !isListed) return notListed;
    if (mustBeLoopback) {
      const areLoopback = addresses.every((address) => isLoopback(plainAddress(address)));
      if (addresses.length === 0 || !areLoopback) return { refusal: restNeedsAllow(host) };
    }
    if (!isTrusted(source)) {
      const own = options.ownServers.filter(({ port }) => port === addressOf(endpoint).port);
      const ownHosts = await Promise.all(own.map((server) => locate(server.host)));
      if (own.length > 0 && addresses.some((address) => isOwn(address, ownHosts.flat()))) {
        return { refusal: `"${host}" has a server of this gateway or NATS at this port, and no instance` };
      }
    }
    return { addresses };
  };
}

function restNeedsAllow(host: string): string {
  return (
    `"${host}" came over REST and is not in ENDPOINT_ALLOW, which is not set: set it for gateways and ` +
    "workers to the hosts and networks where instances may be"
  );
}

/** Whether the address, or one to which it may be translated, is unsafe and not listed itself. */
function isUnlistedUnsafe(allow: EndpointAllow, address: string): boolean {
  const reached = [plainAddress(address), ...translatedAddresses(address)];
  return reached.some((each) => isUnsafe(each) && !allow.hasAddress(each));
}

/** Whether the address is this machine's, or one of these hosts'. */
function isOwn(address: string, hosts: readonly string[]): boolean {
  const reached = [plainAddress(address), ...translatedAddresses(address)];
  return reached.some((each) => isOfThisMachine(each) || hosts.map(plainAddress).includes(each));
}
