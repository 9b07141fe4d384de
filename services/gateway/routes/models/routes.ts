import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { JsonObject } from "../../../../libs/kato/json.ts";
import { withPrefix } from "../../../../libs/kato/model-name.ts";
import { dataOf } from "../../dispatch/kato-response.ts";
import { runCommand } from "../../dispatch/run-command.ts";
import { runQuery } from "../../dispatch/run-query.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { Float32, mapOf, ProcessorId } from "../../http/schemas.ts";
import * as described from "./description.ts";

const NameParams = Type.Object({
  id: ProcessorId,
  name: Type.String({
    description: "Its name, `|` written as `%7C`; the prefix `MODEL|` or `VECTOR|` may be left out",
    examples: ["MODEL|d46a83e73f6feaef6974e00323808137c244cc9c"],
  }),
});

export const ModelBody = Type.Object({
  frequency: Type.Integer({
    minimum: 0,
    maximum: 2 ** 31 - 1,
    description: "How often it counts as learned",
  }),
  emotives: Type.Optional(Type.Array(mapOf(Float32), { description: "The emotives of each time" })),
});

/** What KATO has learned: models and vectors. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = NameParams;

  app.get(
    "/:id/model/:name",
    { schema: { params }, config: { operation: described.readModel, scope: "read" } },
    (request, reply) => {
      const { id: processor, name } = request.params;
      const asked = { name: withPrefix("MODEL|", name) };
      return runQuery({ options, request, reply }, "GetModel", asked, (response) => {
        const model = (dataOf(response) ?? {}) as JsonObject;
        // KATO answers an empty object for a model that it does not know.
        if (model.name === undefined) {
          throw new GatewayError("MODEL_NOT_FOUND", `No model ${name}`, { processor, effect: "none" });
        }
        return { ...model, name: withPrefix("MODEL|", String(model.name)) };
      });
    },
  );

  app.delete(
    "/:id/model/:name",
    { schema: { params }, config: { operation: described.deleteModel, scope: "write" } },
    (request, reply) => {
      const name = withPrefix("MODEL|", request.params.name);
      return runCommand({ options, request, reply }, "DeleteModel", { name });
    },
  );

  app.put(
    "/:id/model/:name",
    { schema: { params, body: ModelBody }, config: { operation: described.changeModel, scope: "write" } },
    (request, reply) => {
      const name = withPrefix("MODEL|", request.params.name);
      return runCommand({ options, request, reply }, "UpdateModel", { ...request.body, name });
    },
  );

  app.get(
    "/:id/vector/:name",
    { schema: { params }, config: { operation: described.readVector, scope: "read" } },
    (request, reply) => {
      const { id: processor, name } = request.params;
      const asked = { name: withPrefix("VECTOR|", name) };
      return runQuery({ options, request, reply }, "GetVector", asked, (response) => {
        const vector = dataOf(response);
        if (vector !== null) return vector;
        throw new GatewayError("VECTOR_NOT_FOUND", `No vector ${name}`, { processor, effect: "none" });
      });
    },
  );
};

export default routes;
