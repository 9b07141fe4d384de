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
import type { ServerEvent } from "../../http/server-events.ts";
import { closingOf, goneWith, heartbeatMs, sendEvents } from "../../http/server-events.ts";
import * as described from "./description.ts";
import type { Told } from "./follow-log.ts";
import { followLog } from "./follow-log.ts";
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

const { limit: _, ...ofFollowing } = LogQuery.properties;
const FollowQuery = Type.Object(ofFollowing);
/** One event tells of so many commands at most. */
const toldAtOnce = 500;
/** So many commands are told again to a client that was away, as they may have come to their end meanwhile. */
const toldAgain = 20;

/** How many commands one request looks at. With an outcome each has to be looked up. */
const scannedAtOnce = { byHeaders: 20_000, byOutcome: 1_000 };

/** The command log as operators read it. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const closing = closingOf(app);

  app.get(
    "/processors/:id/log",
    {
      schema: { params: ProcessorParams, querystring: LogQuery },
      config: { operation: described.commandLog, scope: "operate" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const filter = filterOf(request.query);
      return withNats(backend, processor, () => pageOfLog(backend, processor, filter, pageOf(request.query)));
    },
  );

  app.get(
    "/processors/:id/log/events",
    {
      schema: { params: ProcessorParams, querystring: FollowQuery },
      config: { operation: described.logEvents, scope: "operate" },
    },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      const filter = filterOf(request.query);
      const seen = Number(request.headers["last-event-id"] ?? Number.NaN);
      const last = await withNats(backend, processor, () => backend.logs.last(processor));
      const asked = request.query.from === undefined ? last + 1 : Number(request.query.from);
      const from = Number.isSafeInteger(seen) ? Math.max(1, seen + 1 - toldAgain) : asked;
      const followed = {
        page: (start: number) => pageOfLog(backend, processor, filter, { from: start, limit: toldAtOnce }),
        progress: () => ({
          applied: backend.states.applied(processor) ?? 0,
          last: backend.states.lastKnown(processor),
        }),
      };
      const signal = goneWith(reply, closing);
      return sendEvents(reply, eventsOf(followLog(followed, { from, quietMs: heartbeatMs, signal })));
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

type Filter = ReturnType<typeof filterOf>;

/** What of a log is wanted. Throws INVALID_INPUT. */
function filterOf({
  method,
  outcome,
  sender,
  since,
  until,
}: Omit<Static<typeof LogQuery>, "from" | "limit">) {
  return { method, outcome, sender, sinceMs: timeOf("since", since), untilMs: timeOf("until", until) };
}

/** The wanted commands from a sequence on, and where to go on if there are more. */
async function pageOfLog(
  backend: Backend,
  processor: string,
  filter: Filter,
  { from, limit }: { from: number; limit: number },
) {
  const applied = backend.states.applied(processor);
  const { found, next } = await searchLog(backend.nats.connection, {
    processor,
    from,
    limit,
    sinceMs: filter.sinceMs,
    untilMs: filter.untilMs,
    isWanted: (command) => isWanted(backend, command, filter, applied),
    scanned: filter.outcome === undefined ? scannedAtOnce.byHeaders : scannedAtOnce.byOutcome,
  });
  const commands = await Promise.all(found.map((command) => commandView(backend, command, applied)));
  return { commands, ...(next !== undefined && { next }) };
}

/** An event for the commands of each look, and a sign of life while there is none. Its id is the latest sequence. */
async function* eventsOf(looks: AsyncIterable<Told[]>): AsyncGenerator<ServerEvent> {
  let latest = 0;
  for await (const commands of looks) {
    latest = Math.max(latest, commands.at(-1)?.sequence ?? 0);
    yield commands.length === 0 ? undefined : { id: String(latest), value: { commands } };
  }
}

function notInLog(processor: string, sequence: number): GatewayError {
  const detail = `The log has no command at ${sequence}, or no longer.`;
  return new GatewayError("COMMAND_NOT_FOUND", detail, { processor, effect: "none" });
}

async function isWanted(
  backend: Backend,
  command: LoggedCommand,
  { method, sender, outcome }: Filter,
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
