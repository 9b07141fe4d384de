import { isIPv6 } from "node:net";
import { experimental } from "@grpc/grpc-js";

const scheme = "kato";

/**
 * The target of a channel of grpc-js that connects to these addresses of an endpoint (`host:port`) and to no
 * other. grpc-js resolves nothing by itself then. To the server, and to whoever checks its certificate, the
 * channel's authority is the endpoint.
 *
 * grpc-js has targets of addresses too. But one of these has either IPv4 addresses or IPv6 addresses, and a
 * name like localhost has both.
 */
export function targetOf(endpoint: string, addresses: readonly string[]): string {
  return `${scheme}:${endpoint}/${addresses.join(",")}`;
}

/** An address and a port as one text, an IPv6 address in brackets. */
export function withPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

class FixedAddresses implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener;
  readonly #endpoints: experimental.Endpoint[];
  #isTold = false;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    const [, addresses = ""] = target.path.split("/");
    const port = experimental.splitHostPort(FixedAddresses.getDefaultAuthority(target))?.port ?? 0;
    this.#listener = listener;
    this.#endpoints = addresses.split(",").map((host) => ({ addresses: [{ host, port }] }));
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path.split("/")[0] ?? "";
  }

  /** The addresses never change, so they are told once. */
  updateResolution(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    process.nextTick(() => this.#listener(experimental.statusOrFromValue(this.#endpoints), {}, null, ""));
  }

  destroy(): void {
    this.#isTold = false;
  }
}

experimental.registerResolver(scheme, FixedAddresses);
