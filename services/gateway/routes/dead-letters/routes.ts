import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { nuid } from "@nats-io/transport-node";
import { Type } from "typebox";
import type { DeadLetter } from "../../../../libs/commands/outcomes/dead-letters.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { grpcStatus as grpc } from "../../../../libs/kato/grpc-status.ts";
import { commandIdOf } from "../../dispatch/command-ids.ts";
import { effectUnknown, grpcFailure, katoFailure } from "../../dispatch/failures.ts";
import { requestView } from "../../dispatch/request-view.ts";
import { queuedAnswer } from "../../dispatch/run-command.ts";
import { storeCommand } from "../../dispatch/send-command.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { targetOf } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { nextPage, PageQuery, pageOf } from "../../http/paging.ts";
import { problemOf } from "../../http/problem.ts";
import { ProcessorId, ProcessorParams, SequenceText } from "../../http/schemas.ts";
import * as described from "./description.ts";

const SequenceParams = Type.Object({ id: ProcessorId, sequence: SequenceText });

/**
 * Commands that nobody waited for and that did not succeed: reading them, sending them again, deleting them.
 */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/processors/:id/dead-letters",
    {
      schema: { params: ProcessorParams, querystring: PageQuery },
      config: { operation: described.list, scope: "operate" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const { deadLetters } = backend.stores;
      const { from, limit } = pageOf(request.query);
      const letters = await withNats(backend, processor, () => deadLetters.list(processor, from, limit));
      return { dead_letters: letters.map(deadLetterView), ...nextPage(letters, limit) };
    },
  );

  app.get(
    "/processors/:id/dead-letters/:sequence",
    { schema: { params: SequenceParams }, config: { operation: described.one, scope: "operate" } },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const letter = await find(backend, processor, Number(request.params.sequence));
      return { ...deadLetterView(letter), request: requestView(letter.method, letter.data) ?? null };
    },
  );

  app.post(
    "/processors/:id/dead-letters/:sequence/resend",
    {
      schema: { params: SequenceParams },
      config: { operation: described.resend, scope: "operate", audit: "dead-letter.resent" },
    },
    async (request, reply) => {
      const { backend, processor } = targetOf(options, request);
      const letter = await find(backend, processor, Number(request.params.sequence));
      const { method, data, form, sequence, atMs } = letter;
      // As under an Idempotency-Key: a resend that is repeated after a crash is applied once.
      request.auditDetail = { sequence, command: letter.command, method };
      const command = commandIdOf(processor, `dead letter ${sequence} ${atMs}`);
      const asNew = {
        id: command,
        processor,
        method,
        data,
        ...(form !== undefined && { form }),
        once: { fingerprint: "dead-letter", attempt: nuid.next() },
        trace: request.trace,
        sender: request.sender,
      };
      const resent = await storeCommand(backend, asNew, { isResent: true });
      await remove(backend, processor, sequence);
      return queuedAnswer(reply, backend, { processor, command, sequence: resent });
    },
  );

  app.delete(
    "/processors/:id/dead-letters/:sequence",
    {
      schema: { params: SequenceParams },
      config: { operation: described.remove, scope: "operate", audit: "dead-letter.discarded" },
    },
    async (request) => {
      const { backend, processor } = targetOf(options, request);
      const { sequence, command, method } = await find(backend, processor, Number(request.params.sequence));
      request.auditDetail = { sequence, command, method };
      await remove(backend, processor, sequence);
      return { id: processor, time_stamp: Date.now() / 1_000, status: "okay", message: "deleted" };
    },
  );
};

/** Throws DEAD_LETTER_NOT_FOUND. */
async function find(backend: Backend, processor: string, sequence: number): Promise<DeadLetter> {
  const { deadLetters } = backend.stores;
  const letter = await withNats(backend, processor, () => deadLetters.find(processor, sequence));
  if (letter) return letter;
  throw new GatewayError("DEAD_LETTER_NOT_FOUND", `No dead letter of sequence ${sequence}.`, {
    processor,
    effect: "none",
  });
}

function remove(backend: Backend, processor: string, sequence: number): Promise<void> {
  return withNats(backend, processor, () => backend.stores.deadLetters.remove(processor, sequence));
}

function deadLetterView(letter: DeadLetter) {
  const { sequence, command, method, outcome, atMs } = letter;
  const time = new Date(atMs).toISOString();
  return { sequence, command, method, outcome, time, problem: problemOf(errorOf(letter)) };
}

/** The error that a client would have got had it waited. */
function errorOf(letter: DeadLetter): GatewayError {
  const { processor, command, sequence, method, outcome, grpcStatus, text } = letter;
  const context = { processor, command, sequence };
  if (outcome === "unknown") return effectUnknown(context);
  if (grpcStatus === grpc.OK) return katoFailure(method, text, context);
  return grpcFailure(grpcStatus, text, { ...context, effect: "none" });
}

export default routes;
