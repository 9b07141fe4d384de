import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Serves HTTP on a service's own port, for its health and its metrics. `close` ends open connections instead
 * of waiting for them. Rejects if it cannot listen.
 */
export async function serveHttp(
  { host, port }: { host: string; port: number },
  listener: RequestListener,
): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  const server = createServer(listener);
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
