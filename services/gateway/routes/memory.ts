import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { nuid } from "@nats-io/transport-node";
import { checkObservation } from "../observation.ts";
import type { RouteOptions } from "../request-calls.ts";
import { callKato, envelope } from "../request-calls.ts";
import { ObservationBody, ProcessorParams } from "../schemas.ts";
import { unwrapData } from "../unwrap-data.ts";

/** Working memory: observing, learning, clearing, and what stands in it. */
const memory: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  app.post(
    "/:id/observe",
    { schema: { params, body: ObservationBody }, preValidation: unwrapData },
    async (request, reply) => {
      checkObservation(request.body);
      const unique_id = request.body.unique_id || nuid.next();
      const answer = await callKato({ options, request, reply }, "Observe", { ...request.body, unique_id });
      const message = { status: "observed", auto_learned_model: answer.autoLearnedModel };
      return { ...envelope(answer, message), unique_id };
    },
  );

  app.post("/:id/learn", { schema: { params } }, async (request, reply) => {
    const answer = await callKato({ options, request, reply }, "Learn", {});
    // KATO's word for having had nothing to learn.
    return envelope(answer, answer.message === "None" ? "" : (answer.message ?? ""));
  });

  app.get("/:id/working-memory", { schema: { params } }, async (request, reply) => {
    const answer = await callKato({ options, request, reply }, "GetWorkingMemory", {});
    return envelope(answer, JSON.parse(answer.message ?? "[]"));
  });

  for (const url of ["/:id/working-memory/clear", "/:id/clear-working-memory"]) {
    app.post(url, { schema: { params } }, async (request, reply) => {
      const answer = await callKato({ options, request, reply }, "ClearWorkingMemory", {});
      return envelope(answer, answer.message ?? "");
    });
  }

  app.post("/:id/clear-all-memory", { schema: { params } }, async (request, reply) => {
    const answer = await callKato({ options, request, reply }, "ClearAllMemory", {});
    return envelope(answer, answer.message ?? "");
  });
};

export default memory;
