import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { RouteOptions } from "../../fleet/backend.ts";
import { checkReady } from "../../fleet/readiness.ts";
import * as described from "./description.ts";

/** A probe says how the gateway stands, whatever a balancer has added to its address. */
const anyQuery = { querystring: Type.Object({}, { additionalProperties: true }) };

/** The gateway itself: its metrics, whether it is alive, and whether it can be used. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const { metrics } = options;
  app.get(
    "/metrics",
    { schema: anyQuery, config: { operation: described.metrics, scope: "read", allProcessors: true } },
    async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.scrape());
    },
  );

  app.get(
    "/kato-api/ping",
    { schema: anyQuery, config: { operation: described.ping, scope: "read" } },
    async () => ({
      status: "okay",
    }),
  );

  app.get(
    "/health",
    { schema: anyQuery, config: { operation: described.health, scope: "none" } },
    async () => ({
      status: "healthy",
      processors: countOf(options),
    }),
  );

  app.get(
    "/ready",
    {
      schema: { ...anyQuery, response: { 200: Type.Object({ status: Type.String() }) } },
      config: { operation: described.ready, scope: "none" },
    },
    async () => {
      await checkReady(options);
      return { status: "ready" };
    },
  );
};

/** How many processors are registered; 0 before NATS was reached, when the gateway is alive already. */
function countOf(options: RouteOptions): number {
  try {
    return options.backend().registry.list().length;
  } catch {
    return 0;
  }
}

export default routes;
