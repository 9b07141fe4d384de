import { status as grpc } from "@grpc/grpc-js";
import { decodeResponse, encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import type { JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../../libs/kato/messages.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { untoldFrequency } from "../checkpoint/mark.ts";
import { Interrupted } from "../interruptions.ts";

/** One RPC to the processor's instance, as the applier makes it, in a trace or in none. Never rejects. */
export type Call = (method: Method, request: Uint8Array, trace?: TraceContext) => Promise<CallResult>;

/** The answer is larger than gRPC takes (docs/kato.md: over 4 MiB either way); what was asked for took place. */
export class AnswerTooLarge extends Interrupted {}

/** Makes a call and decodes the response. Throws Interrupted where there is none. */
export async function ask<M extends Method>(
  call: Call,
  method: M,
  request: RequestOf<M>,
): Promise<KatoResponse> {
  const result = await call(method, encodeRequest(method, request));
  if (result.kind === "answered" && result.status === grpc.RESOURCE_EXHAUSTED) {
    throw new AnswerTooLarge(`${method}: ${result.details}`);
  }
  if (result.kind !== "response") throw new Interrupted(`${method}: ${result.details}`);
  return decodeResponse(method, result.bytes);
}

/** KATO's FAILED to a question without whose answer nothing can go on, as when MongoDB is away. */
export class QuestionFailed extends Interrupted {
  /** The response, as KATO gave it. */
  readonly data: Uint8Array;

  constructor(method: Method, response: KatoResponse) {
    super(`${method}: ${lastLineOf(response.message)}`);
    this.data = encodeResponse(method, response);
  }
}

/** As `ask`, and a FAILED is an interruption too. */
export async function insist<M extends Method>(
  call: Call,
  method: M,
  request: RequestOf<M>,
): Promise<KatoResponse> {
  const response = await ask(call, method, request);
  if (response.status === "FAILED") throw new QuestionFailed(method, response);
  return response;
}

/** Working memory, as events of symbols. */
export async function workingMemoryOf(call: Call): Promise<string[][]> {
  return JSON.parse((await insist(call, "GetWorkingMemory", {})).message ?? "[]");
}

/** How many symbols working memory holds. */
export async function symbolCountOf(call: Call): Promise<number> {
  const { response } = await insist(call, "ShowStatus", {});
  return Number((response as JsonObject).size_WM);
}

/** How often a model was learned, 0 for never; `untoldFrequency` where the model is too large to be read. */
export async function frequencyOf(call: Call, model: string): Promise<number> {
  if (model === "") return 0;
  try {
    return Number(((await dataOf(call, "GetModel", { name: model })) as JsonObject).frequency ?? 0);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return untoldFrequency;
    throw error;
  }
}

/** The `data` of a response that is a Struct with that one key. */
export async function dataOf<M extends Method>(call: Call, method: M, request: RequestOf<M>) {
  return ((await insist(call, method, request)).response as JsonObject).data ?? null;
}
