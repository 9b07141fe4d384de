import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { JsonObject } from "../../../../libs/kato/json.ts";
import { intervalOffset } from "../../dispatch/kato-response.ts";
import { runCommand } from "../../dispatch/run-command.ts";
import { runQuery } from "../../dispatch/run-query.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";

const TargetClassBody = Type.Object({ target_class: Type.String({ description: "A symbol" }) });

const texts = [
  { url: "/:id/ping", method: "Ping", operation: described.ping },
  { url: "/:id/name", method: "GetName", operation: described.name },
] as const;

const modes = [
  { url: "/:id/sleep", method: "StartSleeping", operation: described.sleep },
  { url: "/:id/wake", method: "StopSleeping", operation: described.wake },
  { url: "/:id/start-predicting", method: "StartPredicting", operation: described.startPredicting },
  { url: "/:id/stop-predicting", method: "StopPredicting", operation: described.stopPredicting },
] as const;

/** A processor's instance: its name, its status and its modes. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = ProcessorParams;

  for (const { url, method, operation } of texts) {
    app.get(url, { schema: { params }, config: { operation, scope: "read" } }, (request, reply) =>
      runQuery({ options, request, reply }, method, {}, ({ message = "" }) => message),
    );
  }

  app.get(
    "/:id/time",
    { schema: { params }, config: { operation: described.time, scope: "read" } },
    (request, reply) =>
      runQuery(
        { options, request, reply },
        "GetTime",
        {},
        (response, received) => Number(response.message) + intervalOffset(response, received),
      ),
  );

  app.get(
    "/:id/status",
    { schema: { params }, config: { operation: described.status, scope: "read" } },
    (request, reply) =>
      runQuery({ options, request, reply }, "ShowStatus", {}, (response, received) => {
        const status = (response.response ?? {}) as JsonObject;
        const offset = intervalOffset(response, received);
        const counts = Object.fromEntries(
          ["time", "num_observe_call"].map((name) => [name, Number(status[name]) + offset]),
        );
        return { ...status, ...counts };
      }),
  );

  for (const { url, method, operation } of modes) {
    app.post(url, { schema: { params }, config: { operation, scope: "write" } }, (request, reply) =>
      runCommand({ options, request, reply }, method, {}),
    );
  }

  app.put(
    "/:id/target-class",
    {
      schema: { params, body: TargetClassBody },
      config: { operation: described.setTargetClass, scope: "write" },
    },
    (request, reply) => {
      const { target_class } = request.body;
      return runCommand({ options, request, reply }, "TargetClass", { target_class });
    },
  );

  app.delete(
    "/:id/target-class",
    { schema: { params }, config: { operation: described.unsetTargetClass, scope: "write" } },
    (request, reply) => runCommand({ options, request, reply }, "TargetClear", {}),
  );
};

export default routes;
