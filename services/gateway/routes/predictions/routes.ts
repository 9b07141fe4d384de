import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { JsonObject } from "../../../../libs/kato/json.ts";
import { withPrefix } from "../../../../libs/kato/model-name.ts";
import { dataOf, envelope } from "../../dispatch/answer.ts";
import type { Call, RouteOptions } from "../../dispatch/run-command.ts";
import { askKato } from "../../dispatch/run-command.ts";
import { PredictionsBody, PredictionsQuery, ProcessorParams } from "../../http/schemas.ts";
import { unwrapData } from "../../http/unwrap-data.ts";

/** Predictions, and what KATO perceives and thinks. */
const predictions: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  app.get("/:id/predictions", { schema: { params, querystring: PredictionsQuery } }, (request, reply) =>
    predictionsOf({ options, request, reply }, request.query.unique_id),
  );

  app.post(
    "/:id/predictions",
    { schema: { params, querystring: PredictionsQuery, body: PredictionsBody }, preValidation: unwrapData },
    (request, reply) =>
      predictionsOf({ options, request, reply }, request.body.unique_id ?? request.query.unique_id),
  );

  app.get("/:id/percept-data", { schema: { params } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "GetPerceptData", {});
    return envelope(answer, dataOf(answer));
  });

  app.get("/:id/cognition-data", { schema: { params } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "GetCognitionData", {});
    return envelope(answer, answer.response ?? {});
  });
};

async function predictionsOf(call: Call, uniqueId: string | undefined) {
  const answer =
    uniqueId === undefined
      ? await askKato(call, "GetAllPredictions", {})
      : await askKato(call, "GetPredictions", { unique_id: uniqueId });
  // KATO says null while predicting is off.
  const list = (dataOf(answer) ?? []) as JsonObject[];
  return envelope(
    answer,
    list.map((prediction) => ({ ...prediction, name: withPrefix("MODEL|", String(prediction.name)) })),
  );
}

export default predictions;
