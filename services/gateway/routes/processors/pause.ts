import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { processorNotFound } from "../../http/problem.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

const changes = [
  { url: "/processors/:id/pause", isPaused: true, operation: described.pause, audit: "processor.paused" },
  { url: "/processors/:id/resume", isPaused: false, operation: described.resume, audit: "processor.resumed" },
] as const;

/** Pausing and resuming a processor. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  for (const { url, isPaused, operation, audit } of changes) {
    app.post(
      url,
      { schema: { params: ProcessorParams }, config: { operation, audit, scope: "operate" } },
      async (request) => {
        const { backend, processor } = targetOf(options, request);
        const entry = await withNats(backend, processor, () =>
          backend.registry.setPaused(processor, isPaused),
        );
        if (!entry) throw processorNotFound(processor);
        return processorView(backend, entry);
      },
    );
  }
};

export default routes;
