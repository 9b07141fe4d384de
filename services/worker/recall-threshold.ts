import type { CallResult } from "../../libs/kato/channel.ts";
import { encodeRequest, encodeResponse } from "../../libs/kato/codec.ts";
import { decodeRecallThresholdChange } from "../../libs/kato/compound.ts";
import { readResponseHead } from "../../libs/kato/heads.ts";
import type { JsonObject } from "../../libs/kato/json.ts";
import type { Call } from "./call.ts";
import { ask } from "./call.ts";

/**
 * Adds to the recall threshold and makes the sum the one that is searched with: GetGene, UpdateGenes and
 * IncrementRecallThreshold 0 (KATO.md, RPC by RPC), whose result this is. The sum is rounded to one decimal, as KATO would; one
 * outside (0, 1] is refused in KATO's own words with nothing changed.
 */
export async function applyRecallThresholdChange(call: Call, request: Uint8Array): Promise<CallResult> {
  const { increment } = decodeRecallThresholdChange(request);
  const gene = await ask(call, "GetGene", { gene: "recall_threshold" });
  const threshold = roundToTenth(Number((gene.response as JsonObject).data) + increment);
  if (!(threshold > 0 && threshold <= 1)) {
    const { response: _, ...envelope } = gene;
    const message = "recall threshold must be between 0 > and <= 1";
    const refusal = encodeResponse("GetGene", { ...envelope, status: "FAILED", message });
    return { kind: "response", bytes: refusal };
  }
  const updated = await call(
    "UpdateGenes",
    encodeRequest("UpdateGenes", { genes: { recall_threshold: threshold } }),
  );
  if (updated.kind !== "response" || readResponseHead(updated.bytes).failed) return updated;
  return call("IncrementRecallThreshold", encodeRequest("IncrementRecallThreshold", { value: 0 }));
}

function roundToTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
