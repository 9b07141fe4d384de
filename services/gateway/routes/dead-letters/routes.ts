import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { status as grpc } from "@grpc/grpc-js";
import { nuid } from "@nats-io/transport-node";
import type { DeadLetter } from "../../../../libs/commands/dead-letters.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { grpcFailure, katoFailure } from "../../dispatch/failures.ts";
import { commandIdOf } from "../../dispatch/idempotency.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { queued, targetOf } from "../../dispatch/run-command.ts";
import { acceptCommand } from "../../dispatch/send-command.ts";
import { fromNats } from "../../fleet/refusals.ts";
import { nextPage, pageOf } from "../../http/paging.ts";
import { problemOf } from "../../http/problem.ts";
import { PageQuery, ProcessorParams, SequenceParams } from "../../http/schemas.ts";
import type { Backend } from "../../open-backend.ts";

/** Commands that nobody waited for and that did not succeed: to be looked at, sent again, or thrown away. */
const deadLetters: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors/:id/dead-letters",
    { schema: { params: ProcessorParams, querystring: PageQuery } },
    async (request) => {
      const { backend, processor } = targetOf({ options, request });
      const { from, limit } = pageOf(request.query);
      const letters = await fromNats(backend, processor, () => backend.letters.list(processor, from, limit));
      return { dead_letters: letters.map(describe), ...nextPage(letters, limit) };
    },
  );

  app.post(
    "/processors/:id/dead-letters/:sequence/resend",
    { schema: { params: SequenceParams } },
    async (request, reply) => {
      const { backend, processor } = targetOf({ options, request });
      const letter = await find(backend, processor, Number(request.params.sequence));
      const { method, data, form, sequence, atMs } = letter;
      // As under an Idempotency-Key of its own: asked for again after a crash, it is sent again and applied once.
      const id = commandIdOf(processor, `dead letter ${sequence} ${atMs}`);
      const accepted = await acceptCommand(backend, {
        processor,
        method,
        data,
        ...(form !== undefined && { form }),
        id,
        once: { fingerprint: "dead-letter", attempt: nuid.next() },
        waitMs: 0,
        trace: request.trace,
        sender: request.sender,
      });
      await fromNats(backend, processor, () => backend.letters.remove(processor, sequence));
      return queued(reply, backend, processor, accepted);
    },
  );

  app.delete(
    "/processors/:id/dead-letters/:sequence",
    { schema: { params: SequenceParams } },
    async (request) => {
      const { backend, processor } = targetOf({ options, request });
      const { sequence } = await find(backend, processor, Number(request.params.sequence));
      await fromNats(backend, processor, () => backend.letters.remove(processor, sequence));
      return { id: processor, time_stamp: Date.now() / 1_000, status: "okay", message: "deleted" };
    },
  );
};

async function find(backend: Backend, processor: string, sequence: number): Promise<DeadLetter> {
  const letter = await fromNats(backend, processor, () => backend.letters.find(processor, sequence));
  if (letter) return letter;
  throw new GatewayError("DEAD_LETTER_NOT_FOUND", `No dead letter of sequence ${sequence}.`, {
    processor,
    effect: "none",
  });
}

function describe(letter: DeadLetter) {
  const { sequence, command, method, outcome, atMs } = letter;
  const time = new Date(atMs).toISOString();
  return { sequence, command, method, outcome, time, problem: problemOf(errorOf(letter)) };
}

function errorOf({
  processor,
  command,
  sequence,
  method,
  outcome,
  grpcStatus,
  text,
}: DeadLetter): GatewayError {
  const context = { processor, command, sequence };
  if (outcome === "unknown") {
    const detail = "The command was started, and its end was not seen.";
    return new GatewayError("EFFECT_UNKNOWN", detail, { ...context, effect: "unknown" });
  }
  if (grpcStatus === grpc.OK) return katoFailure(method, text, context);
  return grpcFailure(grpcStatus, text, { ...context, effect: "none" });
}

export default deadLetters;
