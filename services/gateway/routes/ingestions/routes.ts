import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { Principal } from "../../access/principal.ts";
import { anybody } from "../../access/principal.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { PageQuery } from "../../http/paging.ts";
import { ProcessorId, ProcessorParams } from "../../http/schemas.ts";
import type { ServerEvent } from "../../http/server-events.ts";
import { closingOf, goneWith, heartbeatMs, sendEvents } from "../../http/server-events.ts";
import * as described from "./description.ts";
import type { IngestionView } from "./ingestion-view.ts";
import { ingestionView } from "./ingestion-view.ts";
import { ingestionsUnderWay } from "./under-way.ts";
import { IngestionWatchers } from "./watchers.ts";

const IngestionParams = Type.Object({
  id: ProcessorId,
  ingestion: Type.String({ description: "The ingestion's id, as the answer to its request told it" }),
});

const ListQuery = Type.Object({ from: PageQuery.properties.from });

/** What became of bulk requests. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const schema = { params: IngestionParams };
  const closing = closingOf(app);
  const watchers = new IngestionWatchers({
    // Whoever listens has seen the ingestion before.
    look: (processor, ingestion) => look(options.backend(), processor, ingestion, anybody),
    appliedOf: (processor) => options.backend().states.applied(processor),
  });

  app.get(
    "/:id/ingestions/:ingestion",
    { schema, config: { operation: described.ingestion, scope: "read" } },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      return look(backend, processor, request.params.ingestion, request.principal);
    },
  );

  app.get(
    "/processors/:id/ingestions",
    {
      schema: { params: ProcessorParams, querystring: ListQuery },
      config: { operation: described.list, scope: "read" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const from = Number(request.query.from ?? 0);
      const { ingestions, next } = await withNats(backend, processor, () =>
        ingestionsUnderWay(backend, processor, request.principal, from),
      );
      return { ingestions, ...(next !== undefined && { next }) };
    },
  );

  app.get(
    "/:id/ingestions/:ingestion/events",
    { schema, config: { operation: described.events, scope: "read" } },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      const { ingestion } = request.params;
      const first = await look(backend, processor, ingestion, request.principal);
      const seen = String(request.headers["last-event-id"] ?? "");
      // A 204 tells an EventSource that has seen the end not to connect again.
      if (first.state === "done" && seen === eventIdOf(first)) return reply.code(204).send();
      const views = watchers.follow(first, goneWith(reply, closing), heartbeatMs);
      return sendEvents(reply, eventsOf(views, seen));
    },
  );
};

/** As `ingestionView`. Throws NATS_UNAVAILABLE if NATS does not answer. */
function look(
  backend: Backend,
  processor: string,
  ingestion: string,
  principal: Principal,
): Promise<IngestionView> {
  return withNats(backend, processor, () => ingestionView(backend, processor, ingestion, principal));
}

/** An event for every change, and a sign of life while there is none. */
async function* eventsOf(views: AsyncIterable<IngestionView>, lastSeen: string): AsyncGenerator<ServerEvent> {
  let seen = lastSeen;
  for await (const view of views) {
    const id = eventIdOf(view);
    yield id === seen ? undefined : { id, value: view };
    seen = id;
  }
}

/** The id of an event. It is the same for the same state of the ingestion, whichever gateway is asked. */
function eventIdOf({ state, accepted, applied, failed, unknown, learn = "" }: IngestionView): string {
  return [state, accepted, applied, failed, unknown, learn].join(".");
}

export default routes;
