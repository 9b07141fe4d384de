import type { AddressInfo } from "node:net";
import type { NatsLink } from "../../libs/nats/connection.ts";
import { serveHttp } from "../../libs/telemetry/serve-http.ts";
import type { Worker } from "./worker.ts";

/** The worker's own port: GET /health says whether NATS is there and how each processor stands; GET /metrics is Prometheus's. */
export function serveHealth(options: {
  host: string;
  port: number;
  nats: NatsLink;
  worker: Worker;
}): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  const { metrics } = options.worker;
  return serveHttp(options, async (request, response) => {
    if (request.url === "/metrics") {
      response.writeHead(200, { "content-type": metrics.contentType }).end(await metrics.scrape());
      return;
    }
    if (request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const isHealthy = options.nats.connected;
    response.writeHead(isHealthy ? 200 : 503, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ status: isHealthy ? "healthy" : "no NATS", processors: options.worker.states }),
    );
  });
}
