import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { JsonObject } from "../../../../libs/kato/json.ts";
import { withPrefix } from "../../../../libs/kato/model-name.ts";
import { dataOf, envelope } from "../../dispatch/answer.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { askKato, commandKato } from "../../dispatch/run-command.ts";
import { ModelBody, NameParams } from "../../http/schemas.ts";

/** What KATO has learned: models and vectors. */
const models: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = NameParams;

  app.get("/:id/model/:name", { schema: { params } }, async (request, reply) => {
    const { id: processor, name } = request.params;
    const answer = await askKato({ options, request, reply }, "GetModel", {
      name: withPrefix("MODEL|", name),
    });
    const model = (dataOf(answer) ?? {}) as JsonObject;
    // KATO's answer for a model that it does not know is an empty one.
    if (model.name === undefined) {
      throw new GatewayError("MODEL_NOT_FOUND", `No model ${name}`, { processor, effect: "none" });
    }
    return envelope(answer, { ...model, name: withPrefix("MODEL|", String(model.name)) });
  });

  app.delete("/:id/model/:name", { schema: { params } }, (request, reply) => {
    const name = withPrefix("MODEL|", request.params.name);
    return commandKato({ options, request, reply }, "DeleteModel", { name });
  });

  app.put("/:id/model/:name", { schema: { params, body: ModelBody } }, (request, reply) => {
    const name = withPrefix("MODEL|", request.params.name);
    return commandKato({ options, request, reply }, "UpdateModel", { ...request.body, name });
  });

  app.get("/:id/vector/:name", { schema: { params } }, async (request, reply) => {
    const { id: processor, name } = request.params;
    const answer = await askKato({ options, request, reply }, "GetVector", {
      name: withPrefix("VECTOR|", name),
    });
    const vector = dataOf(answer);
    if (vector === null) {
      throw new GatewayError("VECTOR_NOT_FOUND", `No vector ${name}`, { processor, effect: "none" });
    }
    return envelope(answer, vector);
  });
};

export default models;
