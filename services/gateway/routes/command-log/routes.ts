import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Static } from "typebox";
import { Type } from "typebox";
import type { LoggedCommand } from "../../../../libs/commands/messages/command.ts";
import { outcomesKeptMs } from "../../../../libs/commands/outcomes/outcome-store.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { requestView } from "../../dispatch/request-view.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { PageQuery, pageOf } from "../../http/paging.ts";
import { invalid } from "../../http/problem.ts";
import { ProcessorId, ProcessorParams, SequenceText } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { readCommand, searchLog } from "./search-log.ts";

const SequenceParams = Type.Object({ id: ProcessorId, sequence: SequenceText });

const outcomes = ["queued", "applied", "failed", "expired", "unknown"] as const;

const LogQuery = Type.Object({
  ...PageQuery.properties,
  method: Type.Optional(Type.String({ description: "Only commands of this method, for example `Learn`" })),
  outcome: Type.Optional(
    Type.Union(
      outcomes.map((outcome) => Type.Literal(outcome)),
      { description: "Only commands that ended so" },
    ),
  ),
  sender: Type.Optional(Type.String({ description: "Only commands of this sender" })),
  since: Type.Optional(
    Type.String({ description: "Only commands stored at this time or later, in ISO 8601" }),
  ),
  until: Type.Optional(
    Type.String({ description: "Only commands stored at this time or earlier, in ISO 8601" }),
  ),
});

/** How many commands one request looks at. With an outcome each has to be looked up. */
const scannedAtOnce = { byHeaders: 20_000, byOutcome: 1_000 };

/** The command log as operators read it. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors/:id/log",
    {
      schema: { params: ProcessorParams, querystring: LogQuery },
      config: { operation: described.commandLog, scope: "operate" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const { query } = request;
      const { from, limit } = pageOf(query);
      const times = { sinceMs: timeOf("since", query.since), untilMs: timeOf("until", query.until) };
      return withNats(backend, processor, async () => {
        const applied = backend.states.applied(processor);
        const { found, next } = await searchLog(backend.nats.connection, {
          processor,
          from,
          limit,
          ...times,
          isWanted: (command) => isWanted(backend, command, query, applied),
          scanned: query.outcome === undefined ? scannedAtOnce.byHeaders : scannedAtOnce.byOutcome,
        });
        const commands = await Promise.all(found.map((command) => commandView(backend, command, applied)));
        return { commands, ...(next !== undefined && { next }) };
      });
    },
  );

  app.get(
    "/processors/:id/log/:sequence",
    { schema: { params: SequenceParams }, config: { operation: described.loggedCommand, scope: "operate" } },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const sequence = Number(request.params.sequence);
      return withNats(backend, processor, async () => {
        const command = await readCommand(backend.nats.connection, processor, sequence);
        if (!command) throw notInLog(processor, sequence);
        const view = await commandView(backend, command, backend.states.applied(processor));
        return {
          ...view,
          bytes: command.data.length,
          request: requestView(command.method, command.data) ?? null,
        };
      });
    },
  );
};

function notInLog(processor: string, sequence: number): GatewayError {
  const detail = `The log has no command at ${sequence}, or no longer.`;
  return new GatewayError("COMMAND_NOT_FOUND", detail, { processor, effect: "none" });
}

async function isWanted(
  backend: Backend,
  command: LoggedCommand,
  { method, sender, outcome }: Static<typeof LogQuery>,
  applied: number | undefined,
): Promise<boolean> {
  if (method !== undefined && command.method !== method) return false;
  if (sender !== undefined && command.sender !== sender) return false;
  return outcome === undefined || (await outcomeOf(backend, command, applied)) === outcome;
}

/** Unix ms of a time in the query string. Throws INVALID_INPUT. */
function timeOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? invalid(field, "must be a time in ISO 8601: 2026-11-26T08:00:00Z") : time;
}

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
