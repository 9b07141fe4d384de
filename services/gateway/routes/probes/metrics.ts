import type { FastifyPluginAsync } from "fastify";
import type { GatewayMetrics } from "../../http/metrics.ts";
import * as described from "./description.ts";

/** The gateway's metrics, for Prometheus. */
const routes: FastifyPluginAsync<{ metrics: GatewayMetrics }> = async (app, { metrics }) => {
  app.get("/metrics", { config: { operation: described.metrics } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.scrape());
  });
};

export default routes;
