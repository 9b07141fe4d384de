import type { AddressInfo } from "node:net";
import { serveHttp } from "../../libs/service/serve-http.ts";

/** Discovery's own port: GET /health answers what `health` says, with a 503 where something is amiss. */
export function serveHealth(options: {
  host: string;
  port: number;
  health: () => { isHealthy: boolean; body: object };
}): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  return serveHttp(options, (request, response) => {
    if (request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const { isHealthy, body } = options.health();
    response.writeHead(isHealthy ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
}
