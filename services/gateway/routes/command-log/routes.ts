import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { readLogPage } from "../../../../libs/commands/log/log-page.ts";
import type { LoggedCommand } from "../../../../libs/commands/messages/command.ts";
import { outcomesKeptMs } from "../../../../libs/commands/outcomes/outcome-store.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { nextPage, PageQuery, pageOf } from "../../http/paging.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import { commandLog } from "./description.ts";

/** The command log as operators read it. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors/:id/log",
    {
      schema: { params: ProcessorParams, querystring: PageQuery },
      config: { operation: commandLog, scope: "operate" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const { from, limit } = pageOf(request.query);
      return withNats(backend, processor, async () => {
        const applied = backend.states.get(processor)?.applied;
        const page = await readLogPage(backend.nats.connection, processor, from, limit);
        const commands = await Promise.all(page.map((command) => commandView(backend, command, applied)));
        return { commands, ...nextPage(commands, limit) };
      });
    },
  );
};

async function commandView(backend: Backend, command: LoggedCommand, applied: number | undefined) {
  const { sequence, id, method, storedAtMs, deadlineMs, sender } = command;
  return {
    sequence,
    command: id,
    method,
    time: new Date(storedAtMs).toISOString(),
    ...(sender !== undefined && { sender }),
    ...(deadlineMs !== undefined && { deadline: new Date(deadlineMs).toISOString() }),
    outcome: await outcomeOf(backend, command, applied),
  };
}

/** What became of a command; null if it is not known, or no longer. */
async function outcomeOf(
  { stores, storeTime }: Backend,
  { sequence, id, processor, storedAtMs }: LoggedCommand,
  applied: number | undefined,
): Promise<string | null> {
  if (applied === undefined) return null;
  if (sequence > applied) return "queued";
  const record = (await stores.outcomes.find(processor, id))?.record;
  if (record?.reply && record.sequence === sequence) return record.state;
  // A command without a record has simply succeeded, as long as records are kept.
  return storeTime.nowMs() - storedAtMs < outcomesKeptMs ? "applied" : null;
}

export default routes;
