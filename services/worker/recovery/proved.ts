import { status as grpc } from "@grpc/grpc-js";
import { encodeResponse } from "../../../libs/kato/codec.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import { comparePositions } from "../checkpoint/position.ts";
import type { Context } from "../steps/context.ts";
import type { Result } from "../steps/result.ts";
import type { Step } from "../steps/step.ts";

/** What KATO says on success (docs/kato.md, RPC by RPC). */
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
export function proved({ processor, book }: Context, step: Step): Result {
  const { interval, mark } = book.current;
  const marked = mark && comparePositions(mark.at, step.at) === 0 ? mark : undefined;
  const message = marked?.kind === "learn" && !marked.isObserve ? marked.model || "None" : undefined;
  const envelope = {
    status: "OKAY",
    id: processor,
    interval,
    time_stamp: 0,
    message: message ?? successMessages[step.method] ?? "",
  } as const;
  const uniqueId =
    step.method === "Observe" ? { unique_id: readObservationFields(step.request).uniqueId } : {};
  let data: Uint8Array = new Uint8Array();
  if (isMethod(step.method)) data = encodeResponse(step.method, { ...envelope, ...uniqueId });
  if (marked?.kind === "threshold") {
    const { message: _, ...rest } = envelope;
    data = encodeResponse("IncrementRecallThreshold", { ...rest, response: { data: marked.value } });
  }
  const autoLearnedModel = marked?.kind === "learn" && marked.isObserve ? marked.model : "";
  return { outcome: "applied", grpcStatus: grpc.OK, detail: "", autoLearnedModel, data };
}
