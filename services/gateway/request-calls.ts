import type { FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../../libs/errors/gateway-error.ts";
import { decodeResponse, encodeRequest } from "../../libs/kato/codec.ts";
import { changeRecallThreshold, encodeRecallThresholdChange } from "../../libs/kato/compound.ts";
import type { Json } from "../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";
import { rpcs } from "../../libs/kato/rpcs.ts";
import type { Backend } from "./backend.ts";
import { sendCommand, sendQuery } from "./calls.ts";
import { katoFailure } from "./kato-failure.ts";
import { readWait } from "./prefer.ts";
import { identify } from "./problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the log says became of the request: an error's code, or "okay". */
    outcome: string;
  }
}

/** What every route of a processor is given. */
export interface RouteOptions {
  /** Throws NATS_UNAVAILABLE until NATS was reached for the first time. */
  backend: () => Backend;
}

/** A route's call of its processor: the request it answers and the reply it fills. */
export interface Call {
  options: RouteOptions;
  request: FastifyRequest<{ Params: { id: string } }>;
  reply: FastifyReply;
}

/** An OKAY response, with what the gateway knows besides. */
export interface Answer extends KatoResponse {
  autoLearnedModel: string;
  /** What was added to KATO's interval, which begins anew with a restart, so that clients see it go on. */
  offset: number;
}

/**
 * Sends an RPC to the processor that the path names, as a command or a query as its kind is, and gives its OKAY response.
 * Everything else is thrown as a GatewayError.
 */
export function callKato<M extends Method>(call: Call, method: M, message: RequestOf<M>): Promise<Answer> {
  return send(call, method, rpcs[method].kind, encodeRequest(method, message), method);
}

/** Changes the recall threshold, as one command of several RPCs. */
export function callRecallThresholdChange(call: Call, increment: number): Promise<Answer> {
  const data = encodeRecallThresholdChange({ increment });
  return send(call, changeRecallThreshold, "command", data, "IncrementRecallThreshold");
}

/** The envelope of every answer (API.md, Envelope). */
export function envelope(answer: KatoResponse, message: Json) {
  return {
    id: answer.id,
    interval: answer.interval,
    time_stamp: Date.now() / 1_000,
    status: "okay",
    message,
  };
}

async function send(
  { options, request, reply }: Call,
  method: string,
  kind: "command" | "query",
  data: Uint8Array,
  responseOf: Method,
): Promise<Answer> {
  const backend = options.backend();
  const processor = request.params.id;
  if (!backend.registry.get(processor)) {
    throw new GatewayError("PROCESSOR_NOT_FOUND", `Processor ${processor} not found`, {
      processor,
      effect: "none",
    });
  }
  const { waitMs, applied } = readWait(request.headers.prefer);
  if (applied !== undefined) reply.header("preference-applied", applied);
  const send = kind === "command" ? sendCommand : sendQuery;
  const { reply: answer, command } = await send(backend, { processor, method, data, waitMs });
  identify(reply, { command, sequence: answer.sequence });
  const response = decodeResponse(responseOf, Buffer.from(answer.data));
  if (response.status === "FAILED") {
    request.log.warn({ processor, method, command, text: response.message }, "KATO failed");
    const context = { processor, ...(command && { command, sequence: answer.sequence }) };
    throw katoFailure(method, response.message ?? "", context);
  }
  const offset = (answer.interval ?? response.interval) - response.interval;
  return {
    ...response,
    interval: response.interval + offset,
    offset,
    autoLearnedModel: answer.autoLearnedModel,
  };
}
