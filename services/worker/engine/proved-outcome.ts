import { encodeResponse } from "../../../libs/kato/codec.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import { intentAt } from "../model/intent.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import type { Context } from "./context.ts";

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

/**
 * The outcome of a step whose answer was lost and whose success is proved. It has the response that KATO has
 * given, as far as that is known.
 */
export function provedOutcome({ instance, checkpoint }: Context, step: Step): StepOutcome {
  const { interval, mark } = checkpoint.current;
  const intent = intentAt(mark, step.at);
  const message = intent?.kind === "learn" && !intent.isObserve ? intent.model || "None" : undefined;
  const envelope = {
    status: "OKAY",
    id: instance.processor,
    interval,
    time_stamp: 0,
    message: message ?? successMessages[step.method] ?? "",
  } as const;
  const uniqueId =
    step.method === "Observe" ? { unique_id: readObservationFields(step.request).uniqueId } : {};
  let data: Uint8Array = new Uint8Array();
  if (isMethod(step.method)) data = encodeResponse(step.method, { ...envelope, ...uniqueId });
  if (intent?.kind === "threshold") {
    const { message: _, ...rest } = envelope;
    data = encodeResponse("IncrementRecallThreshold", { ...rest, response: { data: intent.value } });
  }
  const autoLearnedModel = intent?.kind === "learn" && intent.isObserve ? intent.model : "";
  return { outcome: "applied", grpcStatus: grpc.OK, detail: "", autoLearnedModel, data };
}
