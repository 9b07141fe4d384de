import { BlockList, isIP, isIPv6 } from "node:net";
import { familyOf, isIn, plainAddress, translatedAddresses } from "./addresses.ts";
import { isHostName } from "./processor-entry.ts";

/** What the setting ENDPOINT_ALLOW lists. */
export interface EndpointAllow {
  /** Whether it has any item. */
  isSet: boolean;
  hasNetworks: boolean;
  /** Whether a host name is listed, itself or by a suffix. */
  hasName(host: string): boolean;
  /** Whether an address is listed, itself or by a network. */
  hasAddress(address: string): boolean;
}

/**
 * Reads it. Its items are host names, `*.suffix` for all names below one, IP addresses, and networks in CIDR
 * notation. Wrong items are reported to `problem`.
 *
 * An IPv6 address that a gateway translates to IPv4 is listed, too, where the IPv4 address is. If several are
 * possible, all of them have to be.
 */
export function readEndpointAllow(items: readonly string[], problem: (what: string) => void): EndpointAllow {
  const networks = new BlockList();
  const names: string[] = [];
  for (const item of items) {
    if (isHostName(item.replace(/^\*\./, ""))) names.push(normalized(item));
    else if (!addNetwork(networks, item)) {
      problem(`has "${item}", which is no host name, *.suffix, IP address or network`);
    }
  }
  return {
    isSet: items.length > 0,
    hasNetworks: networks.rules.length > 0,
    hasName: (host) =>
      names.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name)),
    hasAddress(address) {
      if (isIn(networks, plainAddress(address))) return true;
      const translated = translatedAddresses(address);
      return translated.length > 0 && translated.every((each) => isIn(networks, each));
    },
  };
}

/** A host name, as it is compared. */
export function normalized(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

/** Adds an item to the networks; false if it is neither an address nor a network. */
function addNetwork(networks: BlockList, item: string): boolean {
  const [, address = "", bits] = /^\[?([^\]/]+)\]?(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  if (!isIP(address)) return false;
  const length = isIPv6(address) ? 128 : 32;
  if (Number(bits ?? length) > length) return false;
  if (Number(bits ?? length) === length) {
    const plain = plainAddress(address);
    networks.addAddress(plain, familyOf(plain));
  } else {
    networks.addSubnet(address, Number(bits), familyOf(address));
  }
  return true;
}
