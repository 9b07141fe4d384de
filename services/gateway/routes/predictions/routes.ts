import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { dataOf, predictionsOf } from "../../dispatch/kato-response.ts";
import type { HttpExchange } from "../../dispatch/run-command.ts";
import { runQuery } from "../../dispatch/run-query.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { unwrapData } from "../../http/bodies.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";

const WhichObservation = Type.Object({
  unique_id: Type.Optional(Type.String({ description: "The unique_id of the latest observation" })),
});

/** Predictions, and what KATO makes of the latest observation. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  app.get(
    "/:id/predictions",
    {
      schema: { params, querystring: WhichObservation },
      config: { operation: described.predictions, scope: "read" },
    },
    (request, reply) => runPredictions({ options, request, reply }, request.query.unique_id),
  );

  app.post(
    "/:id/predictions",
    {
      schema: { params, querystring: WhichObservation, body: WhichObservation },
      config: { operation: described.predictionsByPost, scope: "read" },
      preValidation: unwrapData,
    },
    (request, reply) =>
      runPredictions({ options, request, reply }, request.body.unique_id ?? request.query.unique_id),
  );

  app.get(
    "/:id/percept-data",
    { schema: { params }, config: { operation: described.perceptData, scope: "read" } },
    (request, reply) => runQuery({ options, request, reply }, "GetPerceptData", {}, dataOf),
  );

  app.get(
    "/:id/cognition-data",
    { schema: { params }, config: { operation: described.cognitionData, scope: "read" } },
    (request, reply) =>
      runQuery({ options, request, reply }, "GetCognitionData", {}, ({ response = {} }) => response),
  );
};

function runPredictions(exchange: HttpExchange, uniqueId: string | undefined) {
  return uniqueId === undefined
    ? runQuery(exchange, "GetAllPredictions", {}, predictionsOf)
    : runQuery(exchange, "GetPredictions", { unique_id: uniqueId }, predictionsOf);
}

export default routes;
