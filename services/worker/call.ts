import type { CallResult } from "../../libs/kato/channel.ts";
import { decodeResponse, encodeRequest } from "../../libs/kato/codec.ts";
import type { KatoResponse, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";

/** One RPC to the processor's instance, as the applier makes it. Never rejects. */
export type Call = (method: Method, request: Uint8Array) => Promise<CallResult>;

/** A call of the applier's own that brought no response: what it was for cannot go on. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";
  readonly result: Exclude<CallResult, { kind: "response" }>;

  constructor(method: Method, result: Exclude<CallResult, { kind: "response" }>) {
    super(`${method}: ${result.details}`);
    this.result = result;
  }
}

/** Makes a call of the applier's own and decodes the response. Throws CallFailed where there is none. */
export async function ask<M extends Method>(
  call: Call,
  method: M,
  request: RequestOf<M>,
): Promise<KatoResponse> {
  const result = await call(method, encodeRequest(method, request));
  if (result.kind !== "response") throw new CallFailed(method, result);
  return decodeResponse(method, result.bytes);
}
