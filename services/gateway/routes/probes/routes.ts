import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";

/** Whether the gateway is alive, and ready. */
const probes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/kato-api/ping", async () => ({ status: "okay" }));

  app.get("/health", async () => ({ status: "healthy", processors: countOf(options) }));

  app.get("/ready", { schema: { response: { 200: Type.Object({ status: Type.String() }) } } }, async () => {
    const { nats, registry } = options.backend();
    if (options.stopping.aborted) throw new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.");
    if (!nats.connected) throw new GatewayError("NATS_UNAVAILABLE", "NATS cannot be reached.");
    if (!(await registry.answers(readyTimeoutMs))) {
      throw new GatewayError("NATS_UNAVAILABLE", "JetStream does not answer.");
    }
    return { status: "ready" };
  });
};

const readyTimeoutMs = 1_000;

/** How many processors are known; the gateway is alive before it has reached NATS, and knows of none then. */
function countOf(options: RouteOptions): number {
  try {
    return options.backend().registry.list().length;
  } catch {
    return 0;
  }
}

export default probes;
