import type { FastifyReply, FastifyRequest } from "fastify";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { RequestOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { setQueueRateLimit } from "../fleet/admission.ts";
import type { Backend, RouteOptions } from "../fleet/backend.ts";
import { targetOf } from "../fleet/backend.ts";
import { prefersAsync, readIdempotencyKey, readWait, setCommandHeaders } from "../http/headers.ts";
import { randomId } from "../http/random-id.ts";
import type { Answer } from "./answer.ts";
import { commandAnswer } from "./answer.ts";
import { commandIdOf } from "./command-ids.ts";
import { sendOnce } from "./idempotency.ts";
import { commandPath, sendCommand } from "./send-command.ts";

/** One HTTP request to a processor, with Fastify's `reply`, whose headers are set on the way. */
export interface HttpExchange {
  options: RouteOptions;
  request: FastifyRequest<{ Params: { id: string } }>;
  reply: FastifyReply;
}

/** The HTTP answer to a command that is stored and not waited for. */
export interface QueuedAnswer {
  id: string;
  time_stamp: number;
  status: "okay";
  command: string;
  sequence: number;
  state: "queued";
}

/** Sends an RPC as a command, as `runEncoded` does. */
export async function runCommand<M extends Method>(
  exchange: HttpExchange,
  method: M,
  message: RequestOf<M>,
  form?: string,
): Promise<Answer | QueuedAnswer> {
  const data = encodeRequest(method, message);
  return runEncoded(exchange, { method, data, ...(form !== undefined && { form }) });
}

/**
 * Sends a command of any kind to the processor that the path names, as the headers `Prefer` and
 * `Idempotency-Key` demand. Returns the HTTP answer. Throws a GatewayError for everything else.
 */
export async function runEncoded(
  { options, request, reply }: HttpExchange,
  encoded: Pick<Command, "method" | "data" | "form">,
): Promise<Answer | QueuedAnswer> {
  const { backend, processor } = targetOf(options, request);
  const isAsync = prefersAsync(request.headers.prefer);
  const { waitMs, applied } = readWait(request.headers.prefer);
  if (applied !== undefined && !isAsync) reply.header("preference-applied", applied);
  const key = readIdempotencyKey(request);
  const { trace, sender } = request;
  const id = key === undefined ? randomId() : commandIdOf(processor, key);
  const command: Command = { ...encoded, id, processor, trace, sender };
  const clientWaitMs = isAsync ? undefined : waitMs;
  const sent =
    key === undefined
      ? await sendCommand(backend, command, clientWaitMs)
      : await sendOnce(backend, command, clientWaitMs);
  if (sent.isReplay) reply.header("idempotency-replayed", "true");
  if (!sent.reply) {
    reply.header("preference-applied", "respond-async");
    return queuedAnswer(reply, backend, { processor, command: id, sequence: sent.sequence });
  }
  setCommandHeaders(reply, { command: id, sequence: sent.sequence });
  return commandAnswer(command, sent.reply, request.log);
}

/** Makes the HTTP answer a 202: the log has the command (A6). */
export function queuedAnswer(
  reply: FastifyReply,
  backend: Backend,
  { processor, command, sequence }: { processor: string; command: string; sequence: number },
): QueuedAnswer {
  setCommandHeaders(reply, { command, sequence });
  setQueueRateLimit(reply, backend, processor);
  reply.code(202).header("location", commandPath(processor, command));
  const time_stamp = Date.now() / 1_000;
  return { id: processor, time_stamp, status: "okay", command, sequence, state: "queued" };
}
