import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** Addresses and networks, for example of proxies. */
export interface AddressList {
  has(address: string): boolean;
}

/**
 * Makes a list of IP addresses and networks in CIDR notation. An IPv4 address is the same when it is written as
 * an IPv6 one (`::ffff:10.0.0.1`). Wrong items are reported to `problem`.
 */
export function addressList(items: readonly string[], problem: (what: string) => void): AddressList {
  const list = new BlockList();
  for (const item of items) {
    const [address = "", bits, ...more] = item.replace(/^\[([^\]]*)\]/, "$1").split("/");
    const length = isIPv6(address) ? 128 : 32;
    const isValid =
      isIP(address) !== 0 && more.length === 0 && /^\d{0,3}$/.test(bits ?? "") && Number(bits ?? 0) <= length;
    if (isValid) list.addSubnet(address, Number(bits || length), isIPv6(address) ? "ipv6" : "ipv4");
    else problem(`has "${item}", which is no IP address or network`);
  }
  return {
    has: (address) => {
      const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
      return isIP(plain) !== 0 && list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
    },
  };
}

/** The addresses of this machine itself. */
export const loopback = addressList(["127.0.0.0/8", "::1"], () => {});
