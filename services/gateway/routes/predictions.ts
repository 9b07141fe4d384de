import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { Answer, Call, RouteOptions } from "../request-calls.ts";
import { callKato, envelope } from "../request-calls.ts";
import { PredictionsBody, PredictionsQuery, ProcessorParams } from "../schemas.ts";
import { unwrapData } from "../unwrap-data.ts";

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
    const answer = await callKato({ options, request, reply }, "GetPerceptData", {});
    return envelope(answer, dataOf(answer));
  });

  app.get("/:id/cognition-data", { schema: { params } }, async (request, reply) => {
    const answer = await callKato({ options, request, reply }, "GetCognitionData", {});
    return envelope(answer, answer.response ?? {});
  });
};

async function predictionsOf(call: Call, uniqueId: string | undefined) {
  const answer =
    uniqueId === undefined
      ? await callKato(call, "GetAllPredictions", {})
      : await callKato(call, "GetPredictions", { unique_id: uniqueId });
  // KATO says null while predicting is off.
  const list = (dataOf(answer) ?? []) as JsonObject[];
  return envelope(
    answer,
    list.map((prediction) => ({ ...prediction, name: withPrefix("MODEL|", String(prediction.name)) })),
  );
}

/** The `data` of a response that is a Struct with that one key. */
export function dataOf(answer: Answer): Json {
  return (answer.response as JsonObject | undefined)?.data ?? null;
}

/** A name as the wire has it, whether it came with its prefix or without. */
export function withPrefix(prefix: "MODEL|" | "VECTOR|", name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

export default predictions;
