import { nuid } from "@nats-io/transport-node";
import type { FastifyReply, FastifyRequest } from "fastify";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { RequestOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { tellRoom } from "../fleet/rate-limit.ts";
import { processorNotFound } from "../fleet/refusals.ts";
import { prefersAsync, readWait } from "../http/prefer.ts";
import { identify } from "../http/problem.ts";
import type { Backend } from "../open-backend.ts";
import type { Answer, Envelope } from "./answer.ts";
import { commandEnvelope, readAnswer } from "./answer.ts";
import { commandIdOf, readIdempotencyKey, send, sendOnce } from "./idempotency.ts";
import { readKatoAfter } from "./kato-after.ts";
import type { Accepted, Outgoing } from "./send-command.ts";
import { commandPath, sendQuery } from "./send-command.ts";

/** What every route of a processor is given. */
export interface RouteOptions {
  /** Throws NATS_UNAVAILABLE until NATS was reached for the first time. */
  backend: () => Backend;
  /** Aborted when the gateway is to be stopped. */
  stopping: AbortSignal;
}

/** A route's call of its processor: the request it answers and the reply it fills. */
export interface Call {
  options: RouteOptions;
  request: FastifyRequest<{ Params: { id: string } }>;
  reply: FastifyReply;
}

/** The answer to a command that is only stored yet. */
export interface Queued extends Accepted {
  id: string;
  time_stamp: number;
  status: "okay";
  state: "queued";
}

/** Sends a query to the processor that the path names and gives its OKAY response. Everything else is thrown as a GatewayError. */
export async function askKato<M extends Method>(
  call: Call,
  method: M,
  message: RequestOf<M>,
): Promise<Answer> {
  const { request, reply } = call;
  const { backend, processor } = targetOf(call);
  const { waitMs, applied } = readWait(request.headers.prefer);
  if (applied !== undefined) reply.header("preference-applied", applied);
  const after = await readKatoAfter(backend, processor, request.headers["kato-after"]);
  const data = encodeRequest(method, message);
  const { trace } = request;
  const outgoing: Outgoing = { processor, method, data, waitMs, trace, ...(after > 0 && { after }) };
  const { reply: answer } = await sendQuery(backend, outgoing);
  return readAnswer({ processor, method, command: "", reply: answer }, request.log);
}

/**
 * Sends a command to the processor that the path names, as the request's `Prefer` and `Idempotency-Key` want it, and gives the
 * whole answer. Everything else is thrown as a GatewayError.
 */
export async function commandKato<M extends Method>(
  call: Call,
  method: M,
  message: RequestOf<M>,
  form?: string,
): Promise<Envelope | Queued> {
  const data = encodeRequest(method, message);
  return runCommand(call, { method, data, ...(form !== undefined && { form }) });
}

/** As `commandKato`, for a command of any kind. */
export async function runCommand(
  call: Call,
  command: Pick<Outgoing, "method" | "data" | "form">,
): Promise<Envelope | Queued> {
  const { request, reply } = call;
  const { backend, processor } = targetOf(call);
  const { waitMs, applied } = readWait(request.headers.prefer);
  const respondAsync = prefersAsync(request.headers.prefer);
  const key = readIdempotencyKey(request);
  const { trace, sender } = request;
  const outgoing: Outgoing = { ...command, processor, waitMs, trace, sender };
  if (applied !== undefined && !respondAsync) reply.header("preference-applied", applied);
  const onReplay = () => reply.header("idempotency-replayed", "true");
  const sent =
    key === undefined
      ? await send(backend, outgoing, { respondAsync })
      : await sendOnce(backend, outgoing, key, { respondAsync, onReplay });
  if (sent.kind === "accepted") {
    reply.header("preference-applied", "respond-async");
    return queued(reply, backend, processor, sent.accepted);
  }
  identify(reply, { command: sent.command, sequence: sent.reply.sequence });
  const replied = { ...command, processor, command: sent.command, reply: sent.reply };
  return commandEnvelope(replied, request.log);
}

/** A unique_id for an observation that came without: with an Idempotency-Key the same each time. */
export function newUniqueId(request: Call["request"]): string {
  const key = readIdempotencyKey(request);
  return key === undefined ? nuid.next() : commandIdOf(request.params.id, key);
}

/** Answers 202: the log has it (A6). */
export function queued(reply: FastifyReply, backend: Backend, processor: string, accepted: Accepted): Queued {
  identify(reply, accepted);
  tellRoom(reply, backend, processor);
  reply.code(202).header("location", commandPath(processor, accepted.command));
  return { id: processor, time_stamp: Date.now() / 1_000, status: "okay", ...accepted, state: "queued" };
}

/** The processor that the path names. Throws PROCESSOR_NOT_FOUND. */
export function targetOf({ options, request }: Pick<Call, "options" | "request">): {
  backend: Backend;
  processor: string;
} {
  const backend = options.backend();
  const processor = request.params.id;
  if (backend.registry.get(processor)) {
    request.processor = processor;
    return { backend, processor };
  }
  throw processorNotFound(processor);
}
