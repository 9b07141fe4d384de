import { status as grpc } from "@grpc/grpc-js";
import { encodeResponse } from "../../libs/kato/codec.ts";
import { readObservationHead } from "../../libs/kato/heads.ts";
import { isMethod } from "../../libs/kato/rpcs.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { Step } from "./step.ts";

/** What KATO says on success (KATO.md, RPC by RPC). */
const successMessages: Record<string, string> = {
  Observe: "observed",
  ClearWorkingMemory: "wm-cleared",
  ClearAllMemory: "all-cleared",
  StartSleeping: "asleep",
  StopSleeping: "awake",
  StartPredicting: "activated-predictions",
  StopPredicting: "deactivated-predictions",
  UpdateGenes: "genes-updated",
  DeleteModel: "deleted",
};

/** The result of a step whose answer was lost and whose success is proved: what KATO would have said. */
export function proved(context: Context, step: Step, message = successMessages[step.method] ?? ""): Result {
  const { processor, book } = context;
  const envelope = {
    status: "OKAY",
    id: processor,
    interval: book.current.interval,
    time_stamp: 0,
    message,
  } as const;
  const uniqueId = step.method === "Observe" ? { unique_id: readObservationHead(step.request).uniqueId } : {};
  const data = isMethod(step.method)
    ? encodeResponse(step.method, { ...envelope, ...uniqueId })
    : new Uint8Array();
  return { outcome: "applied", grpcStatus: grpc.OK, detail: "", autoLearnedModel: "", data };
}
