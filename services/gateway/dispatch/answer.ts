import type { FastifyBaseLogger } from "fastify";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import type { Json } from "../../../libs/kato/json.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import type { RawJson } from "../http/answers.ts";
import { checkCommandReply, checkQueryReply, katoFailure } from "./failures.ts";
import { dataOf } from "./kato-response.ts";
import { sequenceMessage } from "./observe-sequence.ts";

// From the worker's reply to the HTTP answer.

/** The HTTP answer of a processor (docs/api.md, Envelope). */
export interface Answer {
  id: string;
  /** KATO's interval, corrected so that it goes on counting over a restart. */
  interval: number;
  time_stamp: number;
  status: "okay";
  message: Json;
}

/** The HTTP answer to a query. */
export type QueryAnswer = Omit<Answer, "message"> & { message: Json | RawJson };

/** Makes the `message` of an answer from KATO's response, whose status is OKAY. */
export type Wording = (response: KatoResponse, reply: Reply) => Json | RawJson;

/** Which command a reply answers. */
export type AnsweredCommand = Pick<Command, "processor" | "id" | "method"> & { form?: string | undefined };

/** The form of an UpdateGenes whose genes came under `data`. */
export const wrappedGenes = "data";

/**
 * The wording of each command's answer, where it is not KATO's own message. It is looked up by the method,
 * and not given by a route, because an answer is also worded later: when a client asks what became of the
 * command.
 */
const wordings: Record<string, (response: KatoResponse, reply: Reply, form: string | undefined) => Json> = {
  Observe: (_response, { autoLearnedModel }) => ({
    status: "observed",
    auto_learned_model: autoLearnedModel,
  }),
  Learn: ({ message }) => learnedName(message),
  UpdateGenes: (_response, _reply, form) => (form === wrappedGenes ? "updated-genes" : "genes-updated"),
  [changeRecallThresholdMethod]: dataOf,
};

/** The answer to a command. Throws a GatewayError unless the reply is an OKAY response. */
export function commandAnswer(command: AnsweredCommand, reply: Reply, log: FastifyBaseLogger): Answer {
  const { processor, id, method, form } = command;
  checkCommandReply(reply, { processor, command: id, sequence: reply.sequence });
  if (method === sequenceMethod) {
    const message = sequenceMessage(command, reply, log);
    return answer({ id: processor, interval: reply.interval ?? 0 }, reply, message);
  }
  const response = okayResponse(command, reply, log);
  const message = wordings[method]?.(response, reply, form) ?? response.message ?? "";
  return answer(response, reply, message);
}

/** The answer to a query. Throws as `commandAnswer`. */
export function queryAnswer(
  processor: string,
  method: string,
  reply: Reply,
  word: Wording,
  log: FastifyBaseLogger,
): QueryAnswer {
  checkQueryReply(reply, { processor, effect: "none" });
  const response = okayResponse({ processor, method, id: "" }, reply, log);
  return answer(response, reply, word(response, reply));
}

/** KATO's response in a reply. Throws for a FAILED one, whose whole text goes to the log. */
function okayResponse(
  { processor, method, id: command }: AnsweredCommand,
  reply: Reply,
  log: FastifyBaseLogger,
): KatoResponse {
  // The change of the recall threshold is several RPCs. Its answer is that of the last one.
  const responseOf = isMethod(method) ? method : "IncrementRecallThreshold";
  const response = decodeResponse(responseOf, reply.data);
  if (response.status === "OKAY") return response;
  log.warn({ processor, method, command, text: response.message }, "KATO failed");
  const context = { processor, ...(command && { command, sequence: reply.sequence }) };
  throw katoFailure(method, response.message ?? "", context);
}

function answer<M extends Json | RawJson>(
  { id, interval }: Pick<KatoResponse, "id" | "interval">,
  reply: Reply,
  message: M,
): Omit<Answer, "message"> & { message: M } {
  return {
    id,
    interval: reply.interval ?? interval,
    time_stamp: (reply.atMs ?? Date.now()) / 1_000,
    status: "okay",
    message,
  };
}
