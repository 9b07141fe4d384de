import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6 } from "node:net";
import { hostOf, isHostName } from "./processor-entry.ts";

/** Says why no connection may be made to an endpoint; undefined where it may. Never rejects. */
export type EndpointPolicy = (endpoint: string) => Promise<string | undefined>;

const resolveLimitMs = 2_000;

/**
 * What ENDPOINT_ALLOW allows: host names, `*.suffix` for all below a name, IP addresses and networks (CIDR);
 * without any, every endpoint. Link-local addresses and those where clouds serve their instances' credentials
 * are refused unless an address or a network of the list has them, also where a name leads there.
 *
 * A host name counts with all addresses that it has now, so who connects asks each time. One that cannot be
 * resolved is refused only where no address could make it an allowed one. Wrong items are told to `problem`.
 */
export function endpointPolicy(
  items: readonly string[],
  problem: (what: string) => void,
  resolve: (host: string) => Promise<string[]> = addressesOf,
): EndpointPolicy {
  const unsafe = new BlockList();
  unsafe.addSubnet("169.254.0.0", 16, "ipv4");
  unsafe.addSubnet("fe80::", 10, "ipv6");
  unsafe.addAddress("fd00:ec2::254", "ipv6");
  const networks = new BlockList();
  const names: string[] = [];
  for (const item of items) {
    if (isName(item)) names.push(normalized(item));
    else if (!addNetwork(networks, item)) {
      problem(`has "${item}", which is no host name, *.suffix, IP address or network`);
    }
  }
  const isNamed = (host: string) =>
    names.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));

  return async (endpoint) => {
    const host = normalized(hostOf(endpoint) ?? "");
    if (host === "") return `"${endpoint}" is not an endpoint: host:port`;
    const isConfined = items.length > 0 && !isNamed(host);
    const notAllowed = `"${host}" is not in ENDPOINT_ALLOW`;
    if (isConfined && networks.rules.length === 0) return notAllowed;
    for (const address of isIP(host) ? [host] : await resolve(host)) {
      if (isIn(networks, address)) continue;
      if (isIn(unsafe, address))
        return `"${host}" is a link-local or metadata address, or leads to one, and ENDPOINT_ALLOW does not have it`;
      if (isConfined) return notAllowed;
    }
    return undefined;
  };
}

/** Of a host, or an item of the list that is one. */
function normalized(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function isName(item: string): boolean {
  return isHostName(item.replace(/^\*\./, ""));
}

/** False where the item is no address or network. */
function addNetwork(networks: BlockList, item: string): boolean {
  const [, address = "", bits] = /^\[?([^\]/]+)\]?(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  if (!isIP(address)) return false;
  const length = isIPv6(address) ? 128 : 32;
  if (Number(bits ?? length) > length) return false;
  networks.addSubnet(address, Number(bits ?? length), familyOf(address));
  return true;
}

function isIn(networks: BlockList, address: string): boolean {
  return networks.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

/** None where there are none, or none come in time. */
async function addressesOf(host: string): Promise<string[]> {
  const timedOut = Promise.withResolvers<string[]>();
  const timer = setTimeout(() => timedOut.resolve([]), resolveLimitMs);
  const resolved = lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
  try {
    return await Promise.race([resolved, timedOut.promise]);
  } finally {
    clearTimeout(timer);
  }
}
