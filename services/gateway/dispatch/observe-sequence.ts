import type { FastifyBaseLogger } from "fastify";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import type { SequenceResult } from "../../../libs/kato/compound-commands.ts";
import {
  decodeSequenceResults,
  encodeSequence,
  sequenceBytes,
} from "../../../libs/kato/compound-commands.ts";
import type { NumericObservation } from "../../../libs/kato/encode-observation.ts";
import { encodeObservation, observationBytes } from "../../../libs/kato/encode-observation.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import { setOwnProperty } from "../../../libs/kato/json.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { katoFailure } from "./failures.ts";
import { predictionsOf } from "./kato-response.ts";
import { checkRequestBytes } from "./request-size.ts";

// Several observations as one command, `Sequence`: its request, and the message of its answer.

/** What an observe-sequence does besides observing. */
export interface SequenceOptions {
  learn_after_each: boolean;
  learn_at_end: boolean;
  clear_working_memory_between: boolean;
}

type StepMethod = "Observe" | "Learn" | "ClearWorkingMemory" | "GetAllPredictions";

/** The RPCs of a sequence, in order. It ends with the question for predictions. */
function methodsOf(observations: number, options: SequenceOptions): StepMethod[] {
  const methods: StepMethod[] = [];
  for (let left = observations; left > 0; left--) {
    methods.push("Observe");
    if (options.learn_after_each) methods.push("Learn");
    if (options.clear_working_memory_between && left > 1) methods.push("ClearWorkingMemory");
  }
  if (options.learn_at_end) methods.push("Learn");
  return [...methods, "GetAllPredictions"];
}

/** The request of the one command that a sequence is. Throws TOO_LARGE before anything is built. */
export function encodeObserveSequence(observations: NumericObservation[], options: SequenceOptions): Buffer {
  const methods = methodsOf(observations.length, options);
  let next = 0;
  const sizes = methods.map((method) => ({
    method,
    requestBytes: method === "Observe" ? observationBytes(observations[next++] ?? {}) : 0,
  }));
  checkRequestBytes(sequenceBytes(sizes));
  next = 0;
  return encodeSequence(
    methods.map((method) => ({
      method,
      request: method === "Observe" ? encodeObservation(observations[next++] ?? {}) : new Uint8Array(),
    })),
  );
}

const flags = ["learn_after_each", "learn_at_end", "clear_working_memory_between"] as const;

/** The options as the command's `form`. With it any gateway can word the command's answer. */
export function formOfSequence(options: SequenceOptions): string {
  return flags.filter((flag) => options[flag]).join(" ");
}

function optionsOfForm(form: string): SequenceOptions {
  const set = form.split(" ");
  const [learn_after_each = false, learn_at_end = false, clear_working_memory_between = false] = flags.map(
    (flag) => set.includes(flag),
  );
  return { learn_after_each, learn_at_end, clear_working_memory_between };
}

/** The RPC of each result. The number of observations is worked out from the number of results. */
function methodsOfResults(results: number, options: SequenceOptions): StepMethod[] {
  const { learn_after_each, learn_at_end, clear_working_memory_between } = options;
  const perObservation = 1 + Number(learn_after_each) + Number(clear_working_memory_between);
  const besides = 1 + Number(learn_at_end) - Number(clear_working_memory_between);
  return methodsOf((results - besides) / perObservation, options);
}

/**
 * The message of a sequence's answer: a result for each observation, the names that were learned, and the
 * predictions at the end. A step at which KATO failed has its failure in its place. The answer as a whole is
 * no failure, because the other steps were applied.
 */
export function sequenceMessage(
  { processor, id, form = "" }: Pick<Command, "processor" | "id"> & { form?: string | undefined },
  reply: Reply,
  log: FastifyBaseLogger,
): JsonObject {
  const parts = decodeSequenceResults(reply.data);
  const methods = methodsOfResults(parts.length, optionsOfForm(form));
  const context: ErrorContext = { processor, command: id, sequence: reply.sequence };
  const results: Json[] = [];
  const learned: Json[] = [];
  let predictions: Json = [];
  for (const [index, part] of parts.entries()) {
    const method = methods[index] ?? "GetAllPredictions";
    const response = responseOf(method, part);
    const failure = response?.status === "OKAY" ? undefined : failureOf(method, response, context);
    if (failure !== undefined) log.warn({ ...context, method, text: response?.message }, "KATO failed");
    if (method === "Observe") results.push(resultOf(part, response, failure));
    else if (method === "Learn") learned.push(failure ?? learnedName(response?.message));
    else if (method === "GetAllPredictions")
      predictions = failure ?? (response ? predictionsOf(response) : []);
  }
  return { results, learned, predictions };
}

/** The response of a step; undefined if there was none. A response is never empty. */
function responseOf(method: StepMethod, { response }: SequenceResult): KatoResponse | undefined {
  return response.length === 0 ? undefined : decodeResponse(method, response);
}

function failureOf(
  method: StepMethod,
  response: KatoResponse | undefined,
  context: ErrorContext,
): JsonObject {
  const text = response?.message ?? "The instance answered with an error.";
  return { status: "failed", detail: katoFailure(method, text, context).message };
}

function resultOf(
  { auto_learned_model }: SequenceResult,
  response: KatoResponse | undefined,
  failure: JsonObject | undefined,
): Json {
  const result: JsonObject = failure ?? { status: "observed", auto_learned_model };
  if (response?.unique_id) setOwnProperty<Json>(result, "unique_id", response.unique_id);
  return result;
}
