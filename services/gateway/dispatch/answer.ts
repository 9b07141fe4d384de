import type { FastifyBaseLogger } from "fastify";
import type { Reply } from "../../../libs/commands/reply.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { changeRecallThreshold, sequenceMethod } from "../../../libs/kato/compound.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import { katoFailure } from "./failures.ts";
import { sequenceEnvelope } from "./observe-sequence.ts";

/** A reply that is a response of the instance, OKAY or FAILED, and what it answers. */
export interface Replied {
  processor: string;
  method: string;
  /** How it is worded, where the method leaves that open. */
  form?: string | undefined;
  /** The command's id; "" for a query. */
  command: string;
  reply: Reply;
}

/** An OKAY response, with what the gateway knows besides. */
export interface Answer extends KatoResponse {
  autoLearnedModel: string;
  /** What was added to KATO's interval, which begins anew with a restart, so that clients see it go on. */
  offset: number;
  /** Unix ms at which it came about, where it may be given again. */
  atMs?: number;
}

/** What every successful answer of a processor looks like (docs/api.md, Envelope). */
export interface Envelope {
  id: string;
  interval: number;
  time_stamp: number;
  status: "okay";
  message: Json;
}

/** The OKAY response in a reply. Throws a GatewayError for a FAILED one; its text goes to the log. */
export function readAnswer({ processor, method, command, reply }: Replied, log: FastifyBaseLogger): Answer {
  // The change of the recall threshold, which is several RPCs, answers as its last one.
  const responseOf = isMethod(method) ? method : "IncrementRecallThreshold";
  const response = decodeResponse(responseOf, Buffer.from(reply.data));
  if (response.status === "FAILED") {
    log.warn({ processor, method, command, text: response.message }, "KATO failed");
    const context = { processor, ...(command && { command, sequence: reply.sequence }) };
    throw katoFailure(method, response.message ?? "", context);
  }
  const offset = (reply.interval ?? response.interval) - response.interval;
  return {
    ...response,
    interval: response.interval + offset,
    offset,
    autoLearnedModel: reply.autoLearnedModel,
    ...(reply.atMs !== undefined && { atMs: reply.atMs }),
  };
}

export function envelope(answer: Answer, message: Json): Envelope {
  return {
    id: answer.id,
    interval: answer.interval,
    time_stamp: (answer.atMs ?? Date.now()) / 1_000,
    status: "okay",
    message,
  };
}

/** The form of an UpdateGenes whose genes came under `data`. */
export const wrappedGenes = "data";

/** What each command's answer says, where it is not KATO's message as it is. */
const messages: Record<string, (answer: Answer, form: string | undefined) => Json> = {
  Observe: ({ autoLearnedModel }) => ({ status: "observed", auto_learned_model: autoLearnedModel }),
  Learn: ({ message }) => learnedName(message),
  UpdateGenes: (_answer, form) => (form === wrappedGenes ? "updated-genes" : "genes-updated"),
  [changeRecallThreshold]: (answer) => dataOf(answer),
};

/** The answer to a command that succeeded. Throws as `readAnswer`. */
export function commandEnvelope(replied: Replied, log: FastifyBaseLogger): Envelope {
  if (replied.method === sequenceMethod) return sequenceEnvelope(replied, log);
  const answer = readAnswer(replied, log);
  const message = messages[replied.method]?.(answer, replied.form) ?? answer.message ?? "";
  return envelope(answer, message);
}

/** The `data` of a response that is a Struct with that one key. */
export function dataOf(answer: Answer): Json {
  return (answer.response as JsonObject | undefined)?.data ?? null;
}
