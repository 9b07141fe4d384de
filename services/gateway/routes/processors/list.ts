import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { RouteOptions } from "../../fleet/backend.ts";
import { unknownProcessor } from "../../fleet/backend.ts";
import { unregistered } from "../../fleet/remove-data.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

const ListQuery = Type.Object({
  from: Type.Optional(Type.String({ description: "The first id; the list is sorted by id" })),
  limit: Type.Optional(
    Type.String({ pattern: "^\\d{1,5}$", description: "How many at most; all without it" }),
  ),
});

/** The registered processors, each with its state. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors",
    { schema: { querystring: ListQuery }, config: { operation: described.list } },
    async ({ query: { from = "", limit } }) => {
      const backend = options.backend();
      const entries = backend.registry.list().filter(({ id }) => id >= from);
      const shown = limit === undefined ? entries : entries.slice(0, Math.max(1, Number(limit)));
      const next = entries[shown.length]?.id;
      const processors = shown.map((entry) => processorView(backend, entry));
      return { processors, unregistered: unregistered(backend), ...(next !== undefined && { next }) };
    },
  );

  app.get(
    "/processors/:id",
    { schema: { params: ProcessorParams }, config: { operation: described.one } },
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
