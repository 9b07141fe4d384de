import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6 } from "node:net";
import { hostOf, isHostName } from "./processor-entry.ts";

/** Says why no connection may be made to an endpoint; undefined if it may. Never rejects. */
export type EndpointPolicy = (endpoint: string) => Promise<string | undefined>;

const resolveLimitMs = 2_000;

/**
 * The policy of the setting ENDPOINT_ALLOW. Its items are host names, `*.suffix` for all names below one, IP
 * addresses, and networks in CIDR notation. Wrong items are reported to `problem`.
 *
 * - Without any item every endpoint is allowed, else only those that an item has.
 * - Link-local addresses, and those at which clouds serve credentials, are refused unless an address or a
 *   network of the list has them. So is a host name that resolves to one of them.
 * - A host name is resolved at each call, because its addresses can change. All of them have to be allowed. A
 *   name that does not resolve is allowed if the list is empty, has the name, or has any network: its
 *   addresses are checked at a later call.
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
  const isListedName = (host: string) =>
    names.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));

  return async (endpoint) => {
    const host = normalized(hostOf(endpoint) ?? "");
    if (host === "") return `"${endpoint}" is not an endpoint: host:port`;
    const needsNetwork = items.length > 0 && !isListedName(host);
    const notAllowed = `"${host}" is not in ENDPOINT_ALLOW`;
    if (needsNetwork && networks.rules.length === 0) return notAllowed;
    for (const address of isIP(host) ? [host] : await resolve(host)) {
      if (isIn(networks, address)) continue;
      if (isIn(unsafe, address)) {
        const what = "is a link-local or metadata address, or leads to one";
        return `"${host}" ${what}, and ENDPOINT_ALLOW does not have it`;
      }
      if (needsNetwork) return notAllowed;
    }
    return undefined;
  };
}

/** A host name, as it is compared. */
function normalized(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function isName(item: string): boolean {
  return isHostName(item.replace(/^\*\./, ""));
}

/** Adds an item to the networks; false if it is neither an address nor a network. */
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

/** The addresses of a host name; none if it has none, or if they do not come in time. */
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
