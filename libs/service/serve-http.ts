import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Node's HTTP, as every service has to get it. An `import` of values from `node:http` reads everything that
 * the module exports. That loads a second HTTP client for its WebSocket, which takes longer than Fastify does.
 */
export const http = process.getBuiltinModule("node:http");
/** HTTPS, for the same reason. */
export const https = process.getBuiltinModule("node:https");

/**
 * Serves HTTP on a service's own port, for its health and its metrics. `close` ends open connections instead
 * of waiting for them. Rejects if it cannot listen.
 */
export async function serveHttp(
  { host, port }: { host: string; port: number },
  listener: RequestListener,
): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    address,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
