import { setTimeout } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { RebuildAnswer, RebuildRequest } from "../../../../libs/commands/messages/rebuild-request.ts";
import { rebuildSubject } from "../../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { noReply } from "../../dispatch/failures.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { instanceUnavailable, natsUnavailable } from "../../fleet/errors.ts";
import { unwrapData } from "../../http/bodies.ts";
import { readWait } from "../../http/headers.ts";
import { invalid } from "../../http/problem.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import { adopt, rebuild } from "./description.ts";

const DryRunQuery = Type.Object({
  dry_run: Type.Optional(
    Type.Union([Type.Literal("true"), Type.Literal("false")], {
      description: "`true` only tells what would be replayed",
    }),
  ),
});

const RebuildBody = Type.Object({
  from: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Clear the instance and apply the kept log again from this sequence on",
    }),
  ),
});

const AdoptBody = Type.Object({
  applied: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description:
        "The sequence up to which the instance has everything; the log's last one unless it is given",
    }),
  ),
});

/** Rebuilding a processor by hand, and deciding about one that is held (docs/api.md, The gateway). */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.post(
    "/processors/:id/rebuild",
    {
      schema: { params: ProcessorParams, querystring: DryRunQuery, body: RebuildBody },
      config: { operation: rebuild, scope: "operate", audit: "processor.rebuilt" },
      preValidation: unwrapData,
    },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      const { waitMs } = readWait(request.headers.prefer);
      const { from } = request.body;
      const dryRun = request.query.dry_run === "true";
      const asked: RebuildRequest = { dryRun, ...(from !== undefined && { from }) };
      request.auditDetail = { ...asked };
      const answer = await askForRebuild(backend, processor, asked, waitMs);
      switch (answer.kind) {
        case "surveyed":
          return { id: processor, dry_run: true, ...answer.survey };
        case "rebuilt": {
          const { survey, events, degraded } = answer;
          const { from, through, observes } = survey;
          return { id: processor, state: "rebuilt", from, through, observes, events, degraded };
        }
        case "replaying":
          reply.code(202).header("location", `/processors/${processor}`);
          return { id: processor, state: "rebuilding", ...answer.survey };
        case "not-kept":
          return invalid(
            "from",
            answer.first > 0
              ? `the log holds nothing applied there: it begins at ${answer.first}`
              : "the log is empty",
          );
        case "held":
          return invalid("from", `the processor is held (${answer.reason}): say from where to replay`);
        case "paused":
          throw new GatewayError("PAUSED", "A paused processor replays nothing; resume it first.", {
            processor,
            effect: "none",
          });
        default:
          throw instanceUnavailable({ processor });
      }
    },
  );
  app.post(
    "/processors/:id/adopt",
    {
      schema: { params: ProcessorParams, body: AdoptBody },
      config: { operation: adopt, scope: "operate", audit: "processor.adopted" },
      preValidation: unwrapData,
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const { waitMs } = readWait(request.headers.prefer);
      const { applied } = request.body;
      // A worker of an older version holds nothing, and would take this for a rebuild.
      if (backend.states.get(processor)?.state !== "held") throw notHeld(processor);
      const asked: RebuildRequest = { dryRun: false, adopt: applied === undefined ? {} : { applied } };
      request.auditDetail = { applied };
      const answer = await askForRebuild(backend, processor, asked, waitMs);
      switch (answer.kind) {
        case "adopted":
          return { id: processor, state: "adopted", applied: answer.applied };
        case "no-such-place":
          return invalid("applied", `has to be from ${answer.first} to ${answer.last}`);
        case "not-held":
          throw notHeld(processor);
        default:
          throw instanceUnavailable({ processor });
      }
    },
  );
};

function notHeld(processor: string): GatewayError {
  return new GatewayError("NOT_HELD", "Only the instance of a processor that is held can be adopted.", {
    processor,
    effect: "none",
  });
}

/** How long a worker may take to hear of what this gateway has in the registry, until it is asked again. */
const askAgainMs = 50;

async function askForRebuild(
  { nats, registry }: Backend,
  processor: string,
  request: RebuildRequest,
  waitMs: number,
): Promise<RebuildAnswer> {
  const until = performance.now() + waitMs;
  while (true) {
    if (!nats.connected) throw natsUnavailable({ processor, effect: "none" });
    try {
      const message = await nats.connection.request(rebuildSubject(processor), JSON.stringify(request), {
        timeout: Math.max(Math.ceil(until - performance.now()), 1),
      });
      const answer = message.json<RebuildAnswer>();
      // Whoever was told that it is resumed is not told that it is paused.
      const isResumed = answer.kind === "paused" && registry.get(processor)?.paused !== true;
      if (!isResumed || performance.now() + askAgainMs > until) return answer;
    } catch (error) {
      throw noReply(error, { processor, effect: request.dryRun ? "none" : "unknown" });
    }
    await setTimeout(askAgainMs);
  }
}

export default routes;
