import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger } from "fastify";
import { Type } from "typebox";
import type { CommandRecord } from "../../../../libs/commands/outcomes/outcome-store.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import { maySee } from "../../access/principal.ts";
import { commandAnswer } from "../../dispatch/answer.ts";
import { findCommand } from "../../dispatch/find-command.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { setCommandHeaders } from "../../http/headers.ts";
import { problemOf } from "../../http/problem.ts";
import { ProcessorId } from "../../http/schemas.ts";
import { readCommand } from "./description.ts";

const CommandParams = Type.Object({
  id: ProcessorId,
  command: Type.String({ description: "The command's id, as `Kato-Command` and `Location` told it" }),
});

/** What became of a command that nobody waited for, or not to the end. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/:id/commands/:command",
    { schema: { params: CommandParams }, config: { operation: readCommand, scope: "read" } },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      const { command } = request.params;
      const found = await findCommand(backend, processor, command);
      if (!found || !maySee(request.principal, found.record.sender)) {
        throw new GatewayError("COMMAND_NOT_FOUND", `No command ${command} of the last 24 hours.`, {
          processor,
        });
      }
      const { method, state, sequence } = found.record;
      setCommandHeaders(reply, { command, sequence });
      if (state === "applied" || state === "failed") backend.states.passed(processor, sequence);
      return {
        id: processor,
        time_stamp: Date.now() / 1_000,
        status: "okay",
        command,
        method,
        state: state === "started" ? "queued" : state,
        ...(sequence > 0 && { sequence }),
        ...responseOf(processor, found.record, request.log),
      };
    },
  );
};

/** What a client that waited would have been answered: the message, or the problem. */
function responseOf(
  processor: string,
  { command: id, method, form, reply }: CommandRecord,
  log: FastifyBaseLogger,
): { interval?: number; response?: Json } {
  if (!reply) return {};
  const interval = reply.interval === undefined ? {} : { interval: reply.interval };
  try {
    return { ...interval, response: commandAnswer({ processor, id, method, form }, reply, log).message };
  } catch (error) {
    return { ...interval, response: problemOf(GatewayError.from(error)) };
  }
}

export default routes;
