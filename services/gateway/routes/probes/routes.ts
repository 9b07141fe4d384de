import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { natsUnavailable } from "../../fleet/errors.ts";
import * as described from "./description.ts";

const readyTimeoutMs = 1_000;

/** The gateway itself: its metrics, whether it is alive, and whether it can be used. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const { metrics } = options;
  app.get("/metrics", { config: { operation: described.metrics } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.scrape());
  });

  app.get("/kato-api/ping", { config: { operation: described.ping } }, async () => ({ status: "okay" }));

  app.get("/health", { config: { operation: described.health } }, async () => ({
    status: "healthy",
    processors: countOf(options),
  }));

  app.get(
    "/ready",
    {
      schema: { response: { 200: Type.Object({ status: Type.String() }) } },
      config: { operation: described.ready },
    },
    async () => {
      const backend = options.backend();
      if (options.stopping.aborted) {
        throw new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.");
      }
      await checkReady(backend);
      return { status: "ready" };
    },
  );
};

/**
 * Throws unless NATS takes what is written, and the processors of the settings are registered. A connection
 * alone shows neither: JetStream may be full, or without a leader, or may have lost all that it had.
 */
async function checkReady({ nats, stores, registrations }: Backend): Promise<void> {
  if (!nats.connected) throw natsUnavailable({});
  const tooLate = sleep(readyTimeoutMs, undefined, { ref: false }).then(() => {
    throw new Error("JetStream does not answer");
  });
  let isCurrent: boolean;
  try {
    await Promise.race([stores.outcomes.tryWriting(), tooLate]);
    isCurrent = await registrations.isCurrent(readyTimeoutMs);
  } catch (error) {
    throw natsUnavailable({}, error);
  }
  if (!isCurrent) throw new GatewayError("NATS_UNAVAILABLE", "The registry is being made anew.");
}

/** How many processors are registered; 0 before NATS was reached, when the gateway is alive already. */
function countOf(options: RouteOptions): number {
  try {
    return options.backend().registry.list().length;
  } catch {
    return 0;
  }
}

export default routes;
