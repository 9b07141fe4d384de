import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { JsonObject } from "../../../../libs/kato/json.ts";
import { envelope } from "../../dispatch/answer.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { askKato, commandKato } from "../../dispatch/run-command.ts";
import { ProcessorParams, TargetClassBody } from "../../http/schemas.ts";

/** One processor as such: who it is, how it is, and its modes. */
const processor: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  const asked = { "/:id/ping": "Ping", "/:id/name": "GetName" } as const;
  for (const [url, method] of Object.entries(asked)) {
    app.get(url, { schema: { params } }, async (request, reply) => {
      const answer = await askKato({ options, request, reply }, method, {});
      return envelope(answer, answer.message ?? "");
    });
  }

  app.get("/:id/time", { schema: { params } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "GetTime", {});
    return envelope(answer, Number(answer.message) + answer.offset);
  });

  app.get("/:id/status", { schema: { params } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "ShowStatus", {});
    const status = (answer.response ?? {}) as JsonObject;
    const counts = Object.fromEntries(
      ["time", "num_observe_call"].map((name) => [name, Number(status[name]) + answer.offset]),
    );
    return envelope(answer, { ...status, ...counts });
  });

  const modes = {
    "/:id/sleep": "StartSleeping",
    "/:id/wake": "StopSleeping",
    "/:id/start-predicting": "StartPredicting",
    "/:id/stop-predicting": "StopPredicting",
  } as const;
  for (const [url, method] of Object.entries(modes)) {
    app.post(url, { schema: { params } }, (request, reply) =>
      commandKato({ options, request, reply }, method, {}),
    );
  }

  app.put("/:id/target-class", { schema: { params, body: TargetClassBody } }, (request, reply) => {
    const { target_class } = request.body;
    return commandKato({ options, request, reply }, "TargetClass", { target_class });
  });

  app.delete("/:id/target-class", { schema: { params } }, (request, reply) =>
    commandKato({ options, request, reply }, "TargetClear", {}),
  );
};

export default processor;
