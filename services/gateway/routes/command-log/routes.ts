import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { LoggedCommand } from "../../../../libs/commands/command.ts";
import { readLogPage } from "../../../../libs/commands/log-page.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { targetOf } from "../../dispatch/run-command.ts";
import { fromNats, processorNotFound } from "../../fleet/refusals.ts";
import { nextPage, pageOf } from "../../http/paging.ts";
import { PageQuery, ProcessorParams } from "../../http/schemas.ts";
import type { Backend } from "../../open-backend.ts";
import { describeProcessor } from "../processors/describe-processor.ts";

/** What operators do with one processor: stop it, let it go on, and look at what it was told. */
const operating: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  for (const [path, paused] of [
    ["/processors/:id/pause", true],
    ["/processors/:id/resume", false],
  ] as const) {
    app.post(path, { schema: { params: ProcessorParams } }, async (request) => {
      const { backend, processor } = targetOf({ options, request });
      const entry = await fromNats(backend, processor, () => backend.registry.setPaused(processor, paused));
      if (!entry) throw processorNotFound(processor);
      return describeProcessor(backend, entry);
    });
  }

  app.get(
    "/processors/:id/log",
    { schema: { params: ProcessorParams, querystring: PageQuery } },
    async (request) => {
      const { backend, processor } = targetOf({ options, request });
      const { from, limit } = pageOf(request.query);
      return fromNats(backend, processor, async () => {
        const applied = backend.states.get(processor)?.applied;
        const page = await readLogPage(backend.nats.connection, processor, from, limit);
        const commands = await Promise.all(page.map((command) => logLine(backend, command, applied)));
        return { commands, ...nextPage(commands, limit) };
      });
    },
  );
};

const outcomesKeptMs = 24 * 3_600_000;

/** One command as the log's readers see it. */
async function logLine(backend: Backend, command: LoggedCommand, applied: number | undefined) {
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

/** What became of a command; null where that is not known, or not any more. */
async function outcomeOf(
  { outcomes }: Backend,
  { sequence, id, processor, storedAtMs }: LoggedCommand,
  applied: number | undefined,
): Promise<string | null> {
  if (applied === undefined) return null;
  if (sequence > applied) return "queued";
  const record = (await outcomes.find(processor, id))?.record;
  if (record?.reply && record.sequence === sequence) return record.state;
  // Whatever did not simply succeed has a record, for as long as those are kept.
  return Date.now() - storedAtMs < outcomesKeptMs ? "applied" : null;
}

export default operating;
