import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { observationBytes } from "../../../../libs/kato/encode-observation.ts";
import { newUniqueId } from "../../dispatch/command-ids.ts";
import { checkRequestBytes } from "../../dispatch/request-size.ts";
import { runCommand } from "../../dispatch/run-command.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { unwrapData } from "../../http/bodies.ts";
import { checkObservation, ObservationBody } from "../../http/observation.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import { observe } from "./description.ts";

/** Observing one event. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.post(
    "/:id/observe",
    {
      schema: { params: ProcessorParams, body: ObservationBody },
      config: { operation: observe, scope: "write", observes: true },
      preValidation: unwrapData,
    },
    async (request, reply) => {
      checkObservation(request.body);
      const unique_id = request.body.unique_id || newUniqueId(request);
      const observation = { ...request.body, unique_id };
      checkRequestBytes(observationBytes(observation));
      const answer = await runCommand({ options, request, reply }, "Observe", observation);
      return { ...answer, unique_id };
    },
  );
};

export default routes;
