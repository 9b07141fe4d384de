import { IncomingMessage } from "node:http";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { nuid } from "@nats-io/transport-node";
import type { FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { ingestionOfKey, lineCommandId } from "../../../../libs/commands/ingestion.ts";
import { errorCatalog, GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { Intake } from "../../bulk/intake.ts";
import { linesOf } from "../../bulk/ndjson.ts";
import type { ObservationCheck } from "../../bulk/observation-line.ts";
import { observationCheck, observeRequest, parseLine } from "../../bulk/observation-line.ts";
import { ReceiptStream } from "../../bulk/receipts.ts";
import { untilAborted } from "../../bulk/until-aborted.ts";
import { readIdempotencyKey } from "../../dispatch/idempotency.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { targetOf } from "../../dispatch/run-command.ts";
import { refuseFull } from "../../fleet/admission.ts";
import { tellRoom } from "../../fleet/rate-limit.ts";
import { natsAway, requestLimitBytes } from "../../fleet/refusals.ts";
import { invalid } from "../../http/invalid.ts";
import { BulkQuery, ProcessorParams } from "../../http/schemas.ts";

const ndjson = "application/x-ndjson";

type BulkRequest = FastifyRequest<{ Params: { id: string }; Querystring: Static<typeof BulkQuery> }>;

/** Any number of observations in one request, stored in its order (docs/api.md, Many observations). */
const observations: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  // A stream is handed over unread; whatever else comes is JSON, as everywhere.
  app.addContentTypeParser(ndjson, (_request, payload, done) => done(null, payload));
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  app.post(
    "/:id/observations",
    { schema: { params: ProcessorParams, querystring: BulkQuery } },
    async (request, reply) => {
      const { backend, processor } = targetOf({ options, request });
      if (!backend.nats.connected) throw natsAway({ processor, effect: "none" });
      const source = sourceOf(request.body);
      const key = readIdempotencyKey(request);
      // Under a key it may be stored already.
      if (key === undefined) refuseFull(backend, { processor, effect: "none" }, processor);
      const receipts = accepts(request, ndjson) ? new ReceiptStream() : undefined;
      const intake = await Intake.open({
        backend,
        processor,
        ingestion: key === undefined ? nuid.next() : ingestionOfKey(processor, key),
        stopOnError: request.query.on_error === "stop",
        trace: request.trace,
        sender: request.sender,
        ...(receipts && { onReceipt: (receipt) => receipts.add(receipt) }),
      });
      const { ingestion } = intake.record;
      reply.header("location", `/${processor}/ingestions/${ingestion}`).header("kato-ingestion", ingestion);
      const check = observationCheck(request, requestLimitBytes(backend.nats));
      const taking = takeAll({ request, intake, source, check, signal: closing.signal, receipts });
      if (!receipts) {
        await taking;
        if (intake.isReplay) reply.header("idempotency-replayed", "true");
        tellRoom(reply, backend, processor);
        return reply.code(202).send(intake.report());
      }
      taking.then(
        () => receipts.end(),
        (error) => endWithError(request, intake, receipts, error),
      );
      if (intake.isReplay) reply.header("idempotency-replayed", "true");
      // So that a client may wait for the answer to begin before it sends.
      reply.raw.once("pipe", () => reply.raw.flushHeaders());
      return reply.type(ndjson).send(receipts.body);
    },
  );
};

type Source = IncomingMessage | unknown[];

function sourceOf(body: unknown): Source {
  if (body instanceof IncomingMessage) return body;
  const list =
    typeof body === "object" && body !== null && "observations" in body ? body.observations : undefined;
  return Array.isArray(list) ? list : invalid("observations", "must be a list of observations");
}

interface Taking {
  request: BulkRequest;
  intake: Intake;
  source: Source;
  check: ObservationCheck;
  signal: AbortSignal;
  receipts: ReceiptStream | undefined;
}

/** Takes everything in. Throws what the client is to be told, with what was stored until then. */
async function takeAll(taking: Taking): Promise<void> {
  const { intake, request, source } = taking;
  try {
    if (Array.isArray(source)) await takeItems(taking, source);
    else await takeLines(taking, source);
    await intake.finish(request.query.learn === "end");
  } catch (error) {
    // What is left is read and thrown away, as a client that still sends would not read the answer.
    if (!Array.isArray(source)) source.resume();
    const isRefusal = error instanceof GatewayError && error.code === "INVALID_INPUT";
    throw await intake.abandon(clientGone(error, source), isRefusal ? "stopped" : "interrupted");
  } finally {
    await intake.close();
  }
}

async function takeLines({ intake, check, signal, receipts }: Taking, body: IncomingMessage): Promise<void> {
  const chunks = untilAborted<Buffer>(body.iterator({ destroyOnReturn: false }), signal, stopping);
  // In JSON a byte of the wire may take six.
  for await (const lines of linesOf(chunks, 6 * check.limitBytes)) {
    for (const { number, bytes } of lines) {
      const wait = takeOne(intake, number, check, () => {
        if (!bytes) throw new GatewayError("INVALID_INPUT", `is longer than ${6 * check.limitBytes} bytes`);
        return parseLine(bytes);
      });
      if (wait) await wait;
    }
    if (receipts) await receipts.drained();
  }
}

async function takeItems({ intake, check }: Taking, items: unknown[]): Promise<void> {
  for (const [index, item] of items.entries()) await takeOne(intake, index + 1, check, () => item);
}

/** Takes the observation that `read` gives; undefined is a blank line. */
function takeOne(
  intake: Intake,
  line: number,
  check: ObservationCheck,
  read: () => unknown,
): Promise<void> | undefined {
  let data: Buffer;
  try {
    const value = read();
    if (value === undefined) {
      intake.skip(line);
      return undefined;
    }
    data = observeRequest(value, lineCommandId(intake.record.ingestion, line), check);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    intake.refuse(line, error);
    return undefined;
  }
  return intake.take(line, data);
}

function stopping(): GatewayError {
  return new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.", { retryAfterSeconds: 1 });
}

/** That the client's stream broke off is no failure of the gateway. */
function clientGone(error: unknown, source: Source): unknown {
  if (error instanceof GatewayError || Array.isArray(source) || !source.destroyed || source.complete)
    return error;
  return new GatewayError("BAD_REQUEST", "The body broke off.", {}, { cause: error });
}

/** The answer has begun, so what went wrong is its last line. */
function endWithError(request: BulkRequest, intake: Intake, receipts: ReceiptStream, reason: unknown): void {
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

export default observations;
