import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { envelope } from "../../dispatch/answer.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { askKato, commandKato, newUniqueId } from "../../dispatch/run-command.ts";
import { checkObservation } from "../../http/observation.ts";
import { ObservationBody, ProcessorParams } from "../../http/schemas.ts";
import { unwrapData } from "../../http/unwrap-data.ts";

/** Working memory: observing, learning, clearing, and what stands in it. */
const memory: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  app.post(
    "/:id/observe",
    { schema: { params, body: ObservationBody }, preValidation: unwrapData },
    async (request, reply) => {
      checkObservation(request.body);
      const unique_id = request.body.unique_id || newUniqueId(request);
      const answer = await commandKato({ options, request, reply }, "Observe", {
        ...request.body,
        unique_id,
      });
      return { ...answer, unique_id };
    },
  );

  app.post("/:id/learn", { schema: { params } }, (request, reply) =>
    commandKato({ options, request, reply }, "Learn", {}),
  );

  app.get("/:id/working-memory", { schema: { params } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "GetWorkingMemory", {});
    return envelope(answer, JSON.parse(answer.message ?? "[]"));
  });

  for (const url of ["/:id/working-memory/clear", "/:id/clear-working-memory"]) {
    app.post(url, { schema: { params } }, (request, reply) =>
      commandKato({ options, request, reply }, "ClearWorkingMemory", {}),
    );
  }

  app.post("/:id/clear-all-memory", { schema: { params } }, (request, reply) =>
    commandKato({ options, request, reply }, "ClearAllMemory", {}),
  );
};

export default memory;
