import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { processorNotFound } from "../../fleet/refusals.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import { describeProcessor } from "./describe-processor.ts";

/** The registered processors, and how each stands. */
const processors: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/processors", async () => {
    const backend = options.backend();
    return { processors: backend.registry.list().map((entry) => describeProcessor(backend, entry)) };
  });

  app.get("/processors/:id", { schema: { params: ProcessorParams } }, async (request) => {
    const backend = options.backend();
    const { id } = request.params;
    const entry = backend.registry.get(id);
    if (!entry) throw processorNotFound(id);
    request.processor = id;
    return describeProcessor(backend, entry);
  });
};

export default processors;
