import type { AddressInfo } from "node:net";
import { serveHttp } from "../../libs/service/serve-http.ts";
import type { Worker } from "./worker.ts";

/**
 * The worker's own port: GET /health says whether NATS is there and how each processor stands; GET /metrics
 * is Prometheus's, a 503 until the worker has begun.
 */
export function serveWorker(options: {
  host: string;
  port: number;
  /** Whether NATS is there, and the worker once it has begun. */
  facts: () => { connected: boolean; worker: Worker | undefined };
}): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  return serveHttp(options, async (request, response) => {
    const { connected, worker } = options.facts();
    if (request.url === "/metrics") {
      if (!worker) response.writeHead(503).end("the worker has not begun yet\n");
      else
        response
          .writeHead(200, { "content-type": worker.metrics.contentType })
          .end(await worker.metrics.scrape());
      return;
    }
    if (request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const isHealthy = connected && worker !== undefined;
    const status = connected ? "starting" : "no NATS";
    response.writeHead(isHealthy ? 200 : 503, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ status: isHealthy ? "healthy" : status, processors: worker?.states ?? [] }),
    );
  });
}
