import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { coversProcessor } from "../../access/grants.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { unknownProcessor } from "../../fleet/backend.ts";
import { unregistered } from "../../fleet/remove-data.ts";
import { IdPageQuery, idPageOf } from "../../http/paging.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

/** The registered processors, each with its state. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors",
    {
      schema: { querystring: IdPageQuery },
      config: { operation: described.list, scope: "read", discovery: true },
    },
    async ({ query, principal: { grants } }) => {
      const backend = options.backend();
      const visible = backend.registry.list().filter(({ id }) => coversProcessor(grants, id));
      const { shown, next } = idPageOf(query, visible);
      const processors = shown.map((entry) => processorView(backend, entry));
      const others = unregistered(backend).filter((id) => coversProcessor(grants, id));
      return { processors, unregistered: others, ...next };
    },
  );

  app.get(
    "/processors/:id",
    {
      schema: { params: ProcessorParams },
      config: { operation: described.one, scope: "read", discovery: true },
    },
    async (request) => {
      const backend = options.backend();
      const { id } = request.params;
      const entry = backend.registry.get(id);
      if (!entry) throw unknownProcessor(backend, id);
      request.processor = id;
      return processorView(backend, entry);
    },
  );
};

export default routes;
