import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Discovery's own port: GET /health answers what `health` says, with a 503 where something is amiss. */
export async function serveHealth(options: {
  host: string;
  port: number;
  health: () => { isHealthy: boolean; body: object };
}): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const { isHealthy, body } = options.health();
    response.writeHead(isHealthy ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    address: server.address() as AddressInfo,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
