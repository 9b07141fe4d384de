import dns from "node:dns";
import { isIP } from "node:net";
import { addressOf } from "./address.ts";

/** The addresses at which an endpoint's instance may be called, or why it may not be called at any. */
export type Location = { addresses: readonly string[] } | { refusal: string };

/**
 * Says where an endpoint (`host:port`) is now. It never rejects. Without any address nobody knows at present:
 * the host is a name that cannot be resolved.
 */
export type Locate = (endpoint: string) => Promise<Location>;

const resolveLimitMs = 2_000;

/** Locates any endpoint, and refuses none. */
export const locateAnywhere: Locate = async (endpoint) => {
  const { host } = addressOf(endpoint);
  return { addresses: isIP(host) ? [host] : await addressesOf(host) };
};

/** The addresses of a host name; none if it has none, or if they do not come in time. */
export async function addressesOf(host: string): Promise<string[]> {
  const timedOut = Promise.withResolvers<string[]>();
  const timer = setTimeout(() => timedOut.resolve([]), resolveLimitMs);
  const resolved = dns.promises.lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
  try {
    return await Promise.race([resolved, timedOut.promise]);
  } finally {
    clearTimeout(timer);
  }
}
