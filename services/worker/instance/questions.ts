import { decodeResponse, encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../../libs/kato/messages.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { unreadableFrequency } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";

/** An instance that can be asked. */
export interface Callee {
  call(method: Method, request: Uint8Array): Promise<CallResult>;
}

/**
 * The answer is larger than gRPC takes (docs/kato.md: over 4 MiB either way). KATO has carried out the call
 * all the same.
 */
export class AnswerTooLarge extends Interrupted {}

/**
 * KATO has answered a question with FAILED, for example because MongoDB is away. Nothing can go on without
 * the answer.
 */
export class QuestionFailed extends Interrupted {
  /** The bytes of KATO's response. */
  readonly data: Uint8Array;

  constructor(method: Method, response: KatoResponse) {
    super(`${method}: ${lastLineOf(response.message)}`);
    this.data = encodeResponse(method, response);
  }
}

/** Makes a call and decodes the response. Throws Interrupted if there is none. */
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

/** As `ask`, and throws QuestionFailed if KATO answers FAILED. */
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

/** Likewise; undefined if it is too large to be read. */
export async function readableWorkingMemoryOf(instance: Callee): Promise<string[][] | undefined> {
  try {
    return await workingMemoryOf(instance);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return undefined;
    throw error;
  }
}

/** How many symbols working memory holds. */
export async function symbolCountOf(instance: Callee): Promise<number> {
  return Number(objectOf((await insist(instance, "ShowStatus", {})).response).size_WM);
}

/**
 * How many vectors the instance has learned. One that it was taught several times counts once. ShowStatus tells it
 * as a text: `{KB| objects: 3}`.
 */
export async function vectorCountOf(instance: Callee): Promise<number> {
  const { vectors_kb } = objectOf((await insist(instance, "ShowStatus", {})).response);
  return Number(/\d+/.exec(String(vectors_kb))?.[0]);
}

/** How often a model was learned; 0 for never; `unreadableFrequency` if the model is too large to be read. */
export async function frequencyOf(instance: Callee, model: string): Promise<number> {
  if (model === "") return 0;
  try {
    return Number(objectOf(await dataOf(instance, "GetModel", { name: model })).frequency ?? 0);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return unreadableFrequency;
    throw error;
  }
}

/** The symbols of the latest observation, even if they are no longer in working memory. */
export async function latestSymbolsOf(instance: Callee): Promise<string[]> {
  const { symbols } = objectOf((await insist(instance, "GetCognitionData", {})).response);
  if (!Array.isArray(symbols)) throw new TypeError("the instance's answer has no list of symbols");
  return symbols.map(String);
}

/** The `data` of a response that is a Struct with that one key; null if it has none. */
export async function dataOf<M extends Method>(
  instance: Callee,
  method: M,
  request: RequestOf<M>,
): Promise<Json> {
  return objectOf((await insist(instance, method, request)).response).data ?? null;
}

/** The JSON as an object. Throws if KATO's answer is not what docs/kato.md says. */
function objectOf(json: Json | undefined): JsonObject {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new TypeError("the instance's answer has no fields");
}
