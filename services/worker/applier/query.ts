import { status as grpc } from "@grpc/grpc-js";
import type { Query } from "../../../libs/commands/messages/query.ts";
import { decodeRequest } from "../../../libs/kato/codec.ts";
import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import type { Call } from "../instance/call.ts";
import type { Result } from "../steps/result.ts";
import { refused, resultOf } from "../steps/result.ts";

/**
 * Answers one query. GetPredictions, which this KATO cannot do, is GetAllPredictions where it asks for the latest
 * observation's (docs/api.md, One processor). Throws Interrupted when the instance was not there.
 */
export async function answerQuery(
  call: Call,
  query: Pick<Query, "method" | "data" | "trace">,
  latestUniqueId: string,
): Promise<Result> {
  if (!isMethod(query.method) || rpcs[query.method].kind !== "query") {
    return refused(grpc.UNIMPLEMENTED, `no such query: ${query.method}`);
  }
  if (query.method !== "GetPredictions") return resultOf(await call(query.method, query.data, query.trace));
  const { unique_id } = decodeRequest("GetPredictions", Buffer.from(query.data));
  if (unique_id !== latestUniqueId) {
    return refused(grpc.UNIMPLEMENTED, "KATO gives predictions for the latest observation only");
  }
  return resultOf(await call("GetAllPredictions", new Uint8Array(), query.trace));
}
