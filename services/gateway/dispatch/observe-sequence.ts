import type { FastifyBaseLogger } from "fastify";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { decodeResponse, encodeRequest } from "../../../libs/kato/codec.ts";
import type { SequenceResult } from "../../../libs/kato/compound.ts";
import { decodeSequenceResults, encodeSequence } from "../../../libs/kato/compound.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import { setOwn } from "../../../libs/kato/json.ts";
import type { KatoResponse, Observation } from "../../../libs/kato/messages.ts";
import { learnedName, withPrefix } from "../../../libs/kato/model-name.ts";
import type { Envelope, Replied } from "./answer.ts";
import { katoFailure } from "./failures.ts";

/** What an observe-sequence does besides observing. */
export interface SequenceOptions {
  learn_after_each: boolean;
  learn_at_end: boolean;
  clear_working_memory_between: boolean;
}

type StepMethod = "Observe" | "Learn" | "ClearWorkingMemory" | "GetAllPredictions";

/** The RPCs of a sequence of so many observations, in order: predictions are asked for at the end. */
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

/** The request of the one command that a sequence is. */
export function encodeObserveSequence(observations: Observation[], options: SequenceOptions): Buffer {
  let next = 0;
  const steps = methodsOf(observations.length, options).map((method) => ({
    method,
    request:
      method === "Observe" ? encodeRequest(method, observations[next++] ?? {}) : encodeRequest(method, {}),
  }));
  return encodeSequence(steps);
}

const flags = ["learn_after_each", "learn_at_end", "clear_working_memory_between"] as const;

/** The options as a command carries them, so that its answer can be worded by whoever asks for it. */
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

/** The RPC of each result; how many observations there were follows from how many results there are. */
function methodsOfResults(results: number, options: SequenceOptions): StepMethod[] {
  const { learn_after_each, learn_at_end, clear_working_memory_between } = options;
  const perObservation = 1 + Number(learn_after_each) + Number(clear_working_memory_between);
  const besides = 1 + Number(learn_at_end) - Number(clear_working_memory_between);
  return methodsOf((results - besides) / perObservation, options);
}

/**
 * The answer to a sequence: a result for each observation, the names that were learned, the predictions at the end. What KATO
 * failed at shows in its place; it is no failure of the whole, as the rest was applied.
 */
export function sequenceEnvelope(
  { processor, form, command, reply }: Replied,
  log: FastifyBaseLogger,
): Envelope {
  const parts = decodeSequenceResults(reply.data);
  const methods = methodsOfResults(parts.length, optionsOfForm(form ?? ""));
  const context: ErrorContext = { processor, command, sequence: reply.sequence };
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
    else if (method === "GetAllPredictions") predictions = failure ?? predictionsOf(response);
  }
  return {
    id: processor,
    interval: reply.interval ?? 0,
    time_stamp: (reply.atMs ?? Date.now()) / 1_000,
    status: "okay",
    message: { results, learned, predictions },
  };
}

/** Undefined where a step brought no response, which is never empty. */
function responseOf(method: StepMethod, { response }: SequenceResult): KatoResponse | undefined {
  return response.length === 0 ? undefined : decodeResponse(method, Buffer.from(response));
}

function failureOf(
  method: StepMethod,
  response: KatoResponse | undefined,
  context: ErrorContext,
): JsonObject {
  const { message } = katoFailure(
    method,
    response?.message ?? "The instance answered with an error.",
    context,
  );
  return { status: "failed", detail: message };
}

function resultOf(
  { auto_learned_model }: SequenceResult,
  response: KatoResponse | undefined,
  failure: JsonObject | undefined,
): Json {
  const result: JsonObject = failure ?? { status: "observed", auto_learned_model };
  if (response?.unique_id) setOwn<Json>(result, "unique_id", response.unique_id);
  return result;
}

function predictionsOf(response: KatoResponse | undefined): Json {
  const list = ((response?.response as JsonObject | undefined)?.data ?? []) as JsonObject[];
  return list.map((prediction) => ({ ...prediction, name: withPrefix("MODEL|", String(prediction.name)) }));
}
