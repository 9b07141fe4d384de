import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { rebuildSubject } from "../../../../libs/commands/names.ts";
import type { RebuildAnswer, RebuildRequest } from "../../../../libs/commands/rebuild-request.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { targetOf } from "../../dispatch/run-command.ts";
import { queryFailure } from "../../dispatch/send-command.ts";
import { instanceAway, natsAway } from "../../fleet/refusals.ts";
import { invalid } from "../../http/invalid.ts";
import { readWait } from "../../http/prefer.ts";
import { DryRunQuery, ProcessorParams, RebuildBody } from "../../http/schemas.ts";
import { unwrapData } from "../../http/unwrap-data.ts";
import type { Backend } from "../../open-backend.ts";

/** Rebuilding a processor by hand (docs/api.md, The gateway). */
const rebuild: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.post(
    "/processors/:id/rebuild",
    {
      schema: { params: ProcessorParams, querystring: DryRunQuery, body: RebuildBody },
      preValidation: unwrapData,
    },
    async (request, reply) => {
      const { backend, processor } = targetOf({ options, request });
      const { waitMs } = readWait(request.headers.prefer);
      const { from } = request.body;
      const dryRun = request.query.dry_run === "true";
      const asked: RebuildRequest = { dryRun, ...(from !== undefined && { from }) };
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
        case "paused":
          throw new GatewayError("PAUSED", "A paused processor replays nothing; resume it first.", {
            processor,
            effect: "none",
          });
        case "away":
          throw instanceAway({ processor });
      }
    },
  );
};

async function askForRebuild(
  { nats }: Backend,
  processor: string,
  request: RebuildRequest,
  waitMs: number,
): Promise<RebuildAnswer> {
  if (!nats.connected) throw natsAway({ processor, effect: "none" });
  try {
    const message = await nats.connection.request(rebuildSubject(processor), JSON.stringify(request), {
      timeout: Math.max(waitMs, 1),
    });
    return message.json<RebuildAnswer>();
  } catch (error) {
    throw queryFailure(error, { processor, effect: request.dryRun ? "none" : "unknown" });
  }
}

export default rebuild;
