import { encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import { decodeRecallThresholdChange } from "../../../libs/kato/compound-commands.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { ask, dataOf } from "../instance/questions.ts";
import type { Intent } from "../model/intent.ts";
import { intentAt } from "../model/intent.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { refused } from "../model/step-outcome.ts";
import { callInStep } from "./call-in-step.ts";
import type { Context } from "./context.ts";

/**
 * The intent record for a change of the recall threshold: the value to write, rounded to one decimal as KATO
 * rounds it. An earlier attempt may have written its value already. So the intent record of the earlier
 * attempt is kept.
 */
export async function thresholdIntent({ checkpoint, instance }: Context, step: Step): Promise<Intent> {
  const earlier = intentAt(checkpoint.current.mark, step.at);
  if (earlier?.kind === "threshold") return earlier;
  const { increment } = decodeRecallThresholdChange(step.request);
  const gene = await dataOf(instance, "GetGene", { gene: "recall_threshold" });
  return { kind: "threshold", at: step.at, value: roundToTenth(Number(gene) + increment) };
}

/**
 * Sets the recall threshold by UpdateGenes, and has KATO search with it by IncrementRecallThreshold of 0
 * (docs/kato.md, RPC by RPC). The outcome is that of the second call. A value outside (0, 1] is refused in
 * KATO's own words, and nothing changes.
 */
export async function changeThreshold(context: Context, _step: Step): Promise<StepOutcome> {
  const { mark } = context.checkpoint.current;
  const threshold = mark?.kind === "threshold" ? mark.value : Number.NaN;
  if (!(threshold > 0 && threshold <= 1)) {
    const { response: _, ...envelope } = await ask(context.instance, "GetGene", { gene: "recall_threshold" });
    const message = "recall threshold must be between 0 > and <= 1";
    const data = encodeResponse("GetGene", { ...envelope, status: "FAILED", message });
    return { ...refused(grpc.OK, ""), data };
  }
  const genes = encodeRequest("UpdateGenes", { genes: { recall_threshold: threshold } });
  const updated = await callInStep(context, "UpdateGenes", genes);
  if (updated.outcome !== "applied") return updated;
  const zero = encodeRequest("IncrementRecallThreshold", { value: 0 });
  return callInStep(context, "IncrementRecallThreshold", zero);
}

function roundToTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
