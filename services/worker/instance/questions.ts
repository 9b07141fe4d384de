import { status as grpc } from "@grpc/grpc-js";
import { decodeResponse, encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../../libs/kato/messages.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { unreadableFrequency } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";

/** Whoever takes RPCs: the processor's `Instance`. */
export interface Callee {
  call(method: Method, request: Uint8Array): Promise<CallResult>;
}

/**
 * The answer is larger than gRPC takes (docs/kato.md: over 4 MiB either way). What was asked for took place.
 */
export class AnswerTooLarge extends Interrupted {}

/** KATO's FAILED to a question without whose answer nothing can go on, as when MongoDB is away. */
export class QuestionFailed extends Interrupted {
  /** The response's bytes. */
  readonly data: Uint8Array;

  constructor(method: Method, response: KatoResponse) {
    super(`${method}: ${lastLineOf(response.message)}`);
    this.data = encodeResponse(method, response);
  }
}

/** Makes a call and decodes the response. Throws Interrupted where there is none. */
export async function ask<M extends Method>(
  instance: Callee,
  method: M,
  request: RequestOf<M>,
): Promise<KatoResponse> {
  const result = await instance.call(method, encodeRequest(method, request));
  if (result.kind === "answered" && result.status === grpc.RESOURCE_EXHAUSTED) {
    throw new AnswerTooLarge(`${method}: ${result.details}`);
  }
  if (result.kind !== "response") throw new Interrupted(`${method}: ${result.details}`);
  return decodeResponse(method, result.bytes);
}

/** As `ask`, and throws QuestionFailed where KATO says FAILED. */
export async function insist<M extends Method>(
  instance: Callee,
  method: M,
  request: RequestOf<M>,
): Promise<KatoResponse> {
  const response = await ask(instance, method, request);
  if (response.status === "FAILED") throw new QuestionFailed(method, response);
  return response;
}

/** Working memory, as events of symbols. */
export async function workingMemoryOf(instance: Callee): Promise<string[][]> {
  return JSON.parse((await insist(instance, "GetWorkingMemory", {})).message ?? "[]");
}

/** How many symbols working memory holds. */
export async function symbolCountOf(instance: Callee): Promise<number> {
  return Number(objectOf((await insist(instance, "ShowStatus", {})).response).size_WM);
}

/** How many models there are. ShowStatus tells it as a text: `{KB| objects: 3}`. */
export async function modelCountOf(instance: Callee): Promise<number> {
  const { models_kb } = objectOf((await insist(instance, "ShowStatus", {})).response);
  return Number(/\d+/.exec(String(models_kb))?.[0]);
}

/**
 * How often a model was learned, 0 for never; `unreadableFrequency` where the model is too large to be read.
 */
export async function frequencyOf(instance: Callee, model: string): Promise<number> {
  if (model === "") return 0;
  try {
    return Number(objectOf(await dataOf(instance, "GetModel", { name: model })).frequency ?? 0);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return unreadableFrequency;
    throw error;
  }
}

/** The symbols of the latest observation, which working memory need not hold. */
export async function latestSymbolsOf(instance: Callee): Promise<string[]> {
  const { symbols } = objectOf((await insist(instance, "GetCognitionData", {})).response);
  if (!Array.isArray(symbols)) throw new TypeError("the instance's answer has no list of symbols");
  return symbols.map(String);
}

/** The `data` of a response that is a Struct with that one key; null where it has none. */
export async function dataOf<M extends Method>(
  instance: Callee,
  method: M,
  request: RequestOf<M>,
): Promise<Json> {
  return objectOf((await insist(instance, method, request)).response).data ?? null;
}

/** Throws where KATO's answer is not what docs/kato.md says: then nothing can be made of it. */
function objectOf(json: Json | undefined): JsonObject {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new TypeError("the instance's answer has no fields");
}
