import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "../../fleet/backend.ts";
import { processorNotFound } from "../../fleet/errors.ts";
import { unregistered } from "../../fleet/remove-data.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

/** The registered processors, each with its state. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/processors", { config: { operation: described.list } }, async () => {
    const backend = options.backend();
    const processors = backend.registry.list().map((entry) => processorView(backend, entry));
    return { processors, unregistered: unregistered(backend) };
  });

  app.get(
    "/processors/:id",
    { schema: { params: ProcessorParams }, config: { operation: described.one } },
    async (request) => {
      const backend = options.backend();
      const { id } = request.params;
      const entry = backend.registry.get(id);
      if (!entry) throw processorNotFound(id);
      request.processor = id;
      return processorView(backend, entry);
    },
  );
};

export default routes;
