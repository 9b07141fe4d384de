import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves a program's own port, for its health and its metrics. `close` waits for no client. Rejects where it cannot listen. */
export async function serveHttp(
  { host, port }: { host: string; port: number },
  listener: RequestListener,
): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    address: server.address() as AddressInfo,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
