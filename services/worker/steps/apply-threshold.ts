import { status as grpc } from "@grpc/grpc-js";
import { encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import { decodeRecallThresholdChange } from "../../../libs/kato/compound-commands.ts";
import { commanded, passed } from "../checkpoint/effects.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { ask, dataOf } from "../instance/call.ts";
import { conclude } from "./conclude.ts";
import type { Context } from "./context.ts";
import { callInStep, prepared } from "./in-step.ts";
import { refused } from "./result.ts";
import type { Step } from "./step.ts";

/**
 * Adds to the recall threshold and makes the sum the one that is searched with: GetGene, UpdateGenes and
 * IncrementRecallThreshold 0 (docs/kato.md, RPC by RPC), whose result this is. The sum is rounded to one decimal, as KATO would; one
 * outside (0, 1] is refused in KATO's own words with nothing changed. What an earlier attempt has marked is written again.
 */
export async function applyThresholdChange(context: Context, step: Step): Promise<void> {
  const { book, call } = context;
  const { mark } = book.current;
  let threshold: number;
  if (mark?.kind === "threshold" && comparePositions(mark.at, step.at) === 0) {
    threshold = mark.value;
  } else {
    const { increment } = decodeRecallThresholdChange(step.request);
    const gene = await prepared(context, step, async () => ({
      value: await dataOf(call, "GetGene", { gene: "recall_threshold" }),
    }));
    if (!gene) return;
    threshold = roundToTenth(Number(gene.value) + increment);
  }
  if (!(threshold > 0 && threshold <= 1)) {
    const { response: _, ...envelope } = await ask(call, "GetGene", { gene: "recall_threshold" });
    const message = "recall threshold must be between 0 > and <= 1";
    const data = encodeResponse("GetGene", { ...envelope, status: "FAILED", message });
    return conclude(context, step, passed(step), { ...refused(grpc.OK, ""), data });
  }
  await book.ahead({ mark: { kind: "threshold", at: step.at, value: threshold } });
  const genes = encodeRequest("UpdateGenes", { genes: { recall_threshold: threshold } });
  const zero = encodeRequest("IncrementRecallThreshold", { value: 0 });
  const updated = await callInStep(context, "UpdateGenes", genes);
  const isUpdated = updated.outcome === "applied";
  const result = isUpdated ? await callInStep(context, "IncrementRecallThreshold", zero) : updated;
  const isApplied = result.outcome === "applied";
  await conclude(context, step, isApplied ? commanded(book.current, step) : passed(step), result);
}

function roundToTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
