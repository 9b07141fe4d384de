import type { AddressInfo } from "node:net";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import { serveHttp } from "../../libs/service/serve-http.ts";
import type { WorkerMetrics } from "./metrics.ts";

/** What the port tells of the worker. */
interface ServedWorker {
  states: ProcessorState[];
  metrics: Pick<WorkerMetrics, "contentType" | "scrape">;
}

/**
 * Serves the worker's own port. GET /health says whether NATS is there and what the state of each processor
 * is. GET /metrics is for Prometheus. It answers 503 until the worker has started.
 */
export function serveWorker(options: {
  host: string;
  port: number;
  /** Whether NATS is there, and the worker once it has started. */
  facts: () => { connected: boolean; worker: ServedWorker | undefined };
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
