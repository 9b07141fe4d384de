import type { Query } from "../../../libs/commands/messages/query.ts";
import { decodeRequest } from "../../../libs/kato/codec.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import type { Instance } from "../instance/instance.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { outcomeOf, refused } from "../model/step-outcome.ts";

/**
 * Answers one query. This KATO cannot do GetPredictions. If the query asks for the predictions of the latest
 * observation, GetAllPredictions answers it instead (docs/api.md, One processor). Throws Interrupted if the
 * instance goes away meanwhile.
 */
export async function answerQuery(
  instance: Pick<Instance, "call">,
  { method, data, trace }: Pick<Query, "method" | "data" | "trace">,
  latestUniqueId: string,
): Promise<StepOutcome> {
  if (!isMethod(method) || rpcs[method].kind !== "query") {
    return refused(grpc.UNIMPLEMENTED, `no such query: ${method}`);
  }
  if (method !== "GetPredictions") return outcomeOf(await instance.call(method, data, trace));
  const { unique_id } = decodeRequest("GetPredictions", Buffer.from(data));
  if (unique_id !== latestUniqueId) {
    return refused(grpc.UNIMPLEMENTED, "KATO gives predictions for the latest observation only");
  }
  return outcomeOf(await instance.call("GetAllPredictions", new Uint8Array(), trace));
}
