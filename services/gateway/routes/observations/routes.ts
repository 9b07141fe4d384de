import { IncomingMessage } from "node:http";
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
import { readIdempotencyKey } from "../../http/headers.ts";
import { invalid } from "../../http/problem.ts";
import { randomId } from "../../http/random-id.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";

const ndjson = "application/x-ndjson";

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
  app.addContentTypeParser(ndjson, (_request, payload, done) => done(null, payload));
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  app.post(
    "/:id/observations",
    {
      schema: { params: ProcessorParams, querystring: BulkQuery },
      config: { operation: described.observations },
    },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      if (!backend.nats.connected) throw natsUnavailable({ processor, effect: "none" });
      const body = bodyOf(request.body);
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
  if (body instanceof IncomingMessage) return body;
  const list =
    typeof body === "object" && body !== null && "observations" in body ? body.observations : undefined;
  return Array.isArray(list) ? list : invalid("observations", "must be a list of observations");
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
  if (error.code === "INTERNAL") request.log.error({ err: error }, "the gateway failed on a request");
  const { line, lines } = intake.record;
  // A line that was refused has its receipt already.
  if (error.code !== "INVALID_INPUT") {
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
