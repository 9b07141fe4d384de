import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger } from "fastify";
import type { CommandRecord } from "../../../../libs/commands/outcomes.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import { commandEnvelope } from "../../dispatch/answer.ts";
import { findCommand } from "../../dispatch/command-records.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { targetOf } from "../../dispatch/run-command.ts";
import { commandReply } from "../../dispatch/send-command.ts";
import { identify, problemOf } from "../../http/problem.ts";
import { CommandParams } from "../../http/schemas.ts";

/** What became of a command that nobody waited for, or not to the end. */
const commands: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/:id/commands/:command", { schema: { params: CommandParams } }, async (request, reply) => {
    const { backend, processor } = targetOf({ options, request });
    const { command } = request.params;
    const found = await findCommand(backend, processor, command);
    if (!found) {
      throw new GatewayError("COMMAND_NOT_FOUND", `No command ${command} of the last 24 hours.`, {
        processor,
      });
    }
    const { state, sequence } = found.record;
    identify(reply, { command, sequence });
    return {
      id: processor,
      time_stamp: Date.now() / 1_000,
      status: "okay",
      command,
      method: found.record.method,
      state: state === "started" ? "queued" : state,
      ...(sequence > 0 && { sequence }),
      ...responseOf(processor, found.record, request.log),
    };
  });
};

/** What the synchronous route would have answered: its message, or its problem. */
function responseOf(
  processor: string,
  { command, method, form, sequence, reply }: CommandRecord,
  log: FastifyBaseLogger,
): { interval?: number; response?: Json } {
  if (!reply) return {};
  const interval = reply.interval === undefined ? {} : { interval: reply.interval };
  try {
    const replied = {
      processor,
      method,
      form,
      command,
      reply: commandReply(reply, { processor, command, sequence }),
    };
    return { ...interval, response: commandEnvelope(replied, log).message };
  } catch (error) {
    return { ...interval, response: problemOf(GatewayError.from(error)) };
  }
}

export default commands;
