import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ingestionOfKey } from "../../../../libs/commands/outcomes/ingestion-store.ts";
import { errorCatalog, GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { Intake } from "../../bulk/intake.ts";
import { observationCheck } from "../../bulk/observation-line.ts";
import { ReceiptStream } from "../../bulk/receipts.ts";
import type { BulkBody } from "../../bulk/take-body.ts";
import { takeBody } from "../../bulk/take-body.ts";
import { checkQueueLimits, requestLimitBytes, setQueueRateLimit } from "../../fleet/admission.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { natsUnavailable } from "../../fleet/errors.ts";
import { readJsonBodies } from "../../http/bodies.ts";
import { readIdempotencyKey } from "../../http/headers.ts";
import { unknownFields } from "../../http/known-fields.ts";
import { invalid, invalidFields } from "../../http/problem.ts";
import { randomId } from "../../http/random-id.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";

const ndjson = "application/x-ndjson";
/** One observation a line goes by several names. */
const streamTypes = [ndjson, "application/ndjson"].concat(
  ["jsonl", "x-jsonl", "jsonlines", "x-jsonlines"].map((name) => `application/${name}`),
);
const ndjsonHint =
  "One observation a line is sent with Content-Type: application/x-ndjson, by curl with " +
  "-X POST -T FILE -H 'Content-Type: application/x-ndjson' (its -d leaves out the line breaks)";

const BulkQuery = Type.Object({
  learn: Type.Optional(Type.Literal("end", { description: "`end` adds a Learn after the last observation" })),
  on_error: Type.Optional(
    Type.Union([Type.Literal("stop"), Type.Literal("skip")], {
      description: "What a line that is refused does; without it, it is skipped and reported",
    }),
  ),
});

/** Any number of observations in one request, stored in its order (docs/api.md, Many observations). */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  // A stream is handed to the route unread. Every other body is JSON, as on all routes.
  readJsonBodies(app, { limits: options.limits, reached: options.reached, hint: `. ${ndjsonHint}` });
  app.addContentTypeParser(streamTypes, (_request, payload, done) => done(null, payload));
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  app.post(
    "/:id/observations",
    {
      schema: { params: ProcessorParams, querystring: BulkQuery },
      config: { operation: described.observations, scope: "write", observes: true },
    },
    async (request, reply) => {
      const body = bodyOf(request.body);
      const { backend, processor } = targetOf(options, request);
      if (!backend.nats.connected) throw natsUnavailable({ processor, effect: "none" });
      const key = readIdempotencyKey(request);
      // With a key the request may be stored already, and then a full queue does not matter.
      if (key === undefined) checkQueueLimits(backend, { processor, effect: "none" }, processor);
      const receipts = accepts(request, ndjson) ? new ReceiptStream() : undefined;
      const intake = await Intake.open({
        backend,
        processor,
        ingestion: key === undefined ? randomId() : ingestionOfKey(processor, key),
        stopOnError: request.query.on_error === "stop",
        trace: request.trace,
        sender: request.sender,
        receipts,
        share: request.bodyShare?.another(),
      });
      const { ingestion } = intake.record;
      reply.header("location", `/${processor}/ingestions/${ingestion}`).header("kato-ingestion", ingestion);
      const takingIn = takeBody(intake, body, {
        check: observationCheck(request, requestLimitBytes(backend.nats)),
        learnAtEnd: request.query.learn === "end",
        signal: closing.signal,
        receipts,
        lineBytes: options.limits.bodyBytes,
        share: request.bodyShare,
      });
      if (!receipts) {
        await takingIn;
        if (intake.isReplay) reply.header("idempotency-replayed", "true");
        setQueueRateLimit(reply, backend, processor);
        return reply.code(202).send(intake.report());
      }
      takingIn.then(
        () => receipts.end(),
        (error) => endWithError(request, intake, receipts, error),
      );
      if (intake.isReplay) reply.header("idempotency-replayed", "true");
      // The headers are sent at once, because a client may wait for them before it sends its body.
      reply.raw.once("pipe", () => reply.raw.flushHeaders());
      return reply.type(ndjson).send(receipts.body);
    },
  );
};

function bodyOf(body: unknown): BulkBody {
  if (body instanceof Readable) return body;
  const { observations, ...others }: Record<string, unknown> = Object(body);
  if (!Array.isArray(observations)) {
    invalid("observations", `must be a list of observations. ${ndjsonHint}`);
  }
  const unknown = Object.keys(others);
  if (unknown.length > 0) invalidFields(unknownFields(unknown, ["observations"]));
  return observations;
}

/** The answer has begun, so an error becomes its last line. */
function endWithError(
  request: FastifyRequest,
  intake: Intake,
  receipts: ReceiptStream,
  reason: unknown,
): void {
  const error = GatewayError.from(reason);
  request.outcome = error.code;
  if (error.code === "INTERNAL")
    request.log.error({ err: error, request: request.id }, "the gateway failed on a request");
  const { line, lines } = intake.record;
  // A line that was refused has its receipt already.
  if (error.code !== "INVALID_INPUT" || intake.record.rejected_count === 0) {
    receipts.add({
      line: Math.min(line + 1, lines + 1),
      error: error.message,
      retryable: errorCatalog[error.code].retryable,
    });
  }
  receipts.end();
}

function accepts(request: FastifyRequest, type: string): boolean {
  return (request.headers.accept ?? "").split(",").some((range) => range.split(";", 1)[0]?.trim() === type);
}

export default routes;
