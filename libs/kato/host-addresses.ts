import dns from "node:dns";
import { isIP } from "node:net";
import { addressOf } from "./address.ts";

const askEveryMs = 500;

/**
 * The addresses of an endpoint's host, and whether they are still the same. An address is never asked for.
 *
 * A container or a Pod comes back under its name at another address. grpc-js asks for the addresses of a name
 * again only when a connection has failed. Where the old address is silent, that takes many seconds.
 */
export class HostAddresses {
  readonly #host: string;
  /** Sorted. Undefined until they are known. */
  #known: string | undefined;
  #isAsking = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(endpoint: string) {
    this.#host = addressOf(endpoint).host;
  }

  /**
   * Asks for the addresses, at most twice a second, and calls `onChange` if they are others than before. It
   * is not waited for. A name that cannot be resolved has not changed.
   */
  check(onChange: () => void): void {
    const now = performance.now();
    if (isIP(this.#host) || this.#isAsking || now - this.#askedAt < askEveryMs) return;
    this.#isAsking = true;
    this.#askedAt = now;
    dns.promises
      .lookup(this.#host, { all: true })
      .then((found) => {
        const addresses = found
          .map(({ address }) => address)
          .sort()
          .join(" ");
        const isChanged = this.#known !== undefined && this.#known !== addresses;
        this.#known = addresses;
        if (isChanged) onChange();
      })
      .catch(() => {})
      .finally(() => {
        this.#isAsking = false;
      });
  }
}
