import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { nextPage, PageQuery, pageOf } from "../../http/paging.ts";
import * as described from "./description.ts";

/** The audit trail, as admins read it. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/audit",
    {
      schema: { querystring: PageQuery },
      config: { operation: described.audit, scope: "admin", allProcessors: true },
    },
    async ({ query }) => {
      const backend = options.backend();
      const { from, limit } = pageOf(query);
      const first = query.from === undefined ? undefined : from;
      const entries = await withNats(backend, "", () => backend.auditTrail.list(first, limit));
      return { entries, ...nextPage(entries, limit) };
    },
  );
};

export default routes;
