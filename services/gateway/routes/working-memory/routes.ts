import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { runCommand } from "../../dispatch/run-command.ts";
import { runQuery } from "../../dispatch/run-query.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { RawJson } from "../../http/answers.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";

/** A working memory whose text is longer is passed on unread. */
const largeText = 64 * 1024;

/** Working memory: reading it, learning it as a model, clearing it. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const schema = { params: ProcessorParams };

  app.post(
    "/:id/learn",
    { schema, config: { operation: described.learn, scope: "write" } },
    (request, reply) => runCommand({ options, request, reply }, "Learn", {}),
  );

  app.get(
    "/:id/working-memory",
    { schema, config: { operation: described.read, scope: "read" } },
    (request, reply) =>
      runQuery({ options, request, reply }, "GetWorkingMemory", {}, ({ message = "[]" }) =>
        // KATO's answer is JSON already, perhaps of hundreds of thousands of arrays.
        message.length > largeText ? new RawJson(message) : JSON.parse(message),
      ),
  );

  for (const url of ["/:id/working-memory/clear", "/:id/clear-working-memory"]) {
    app.post(url, { schema, config: { operation: described.clear, scope: "write" } }, (request, reply) =>
      runCommand({ options, request, reply }, "ClearWorkingMemory", {}),
    );
  }

  app.post(
    "/:id/clear-all-memory",
    { schema, config: { operation: described.clearAll, scope: "write" } },
    (request, reply) => runCommand({ options, request, reply }, "ClearAllMemory", {}),
  );
};

export default routes;
