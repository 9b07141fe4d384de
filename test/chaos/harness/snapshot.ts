import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoClient } from "../../fixtures/kato-client.ts";

/**
 * What has to be the same after any crash, wherever it struck: working memory, these models, how much is
 * known, and the settings that clients can change.
 */
export async function snapshotOf(kato: KatoClient, models: Iterable<string>): Promise<object> {
  const learned: JsonObject = {};
  for (const name of new Set(models)) learned[name] = await kato.model(name);
  const genes: Record<string, Json | undefined> = {};
  for (const gene of ["max_sequence_length", "recall_threshold", "predict"]) {
    genes[gene] = await kato.data("GetGene", { gene });
  }
  const { models_kb, vectors_kb, SLEEPING } = await kato.status();
  return { workingMemory: await kato.workingMemory(), learned, genes, models_kb, vectors_kb, SLEEPING };
}
