import { ask, insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";

/**
 * Sets the genes as they were, which comes before anything is observed again, as it is predicted with them.
 * Only max_sequence_length is 0 until `restoreModes`, so that nothing is learned meanwhile.
 */
export async function restoreGenes({ checkpoint, instance }: Context): Promise<void> {
  const { genes, searchedThreshold } = checkpoint.current.settings;
  if (searchedThreshold !== null) {
    await insist(instance, "UpdateGenes", { genes: { recall_threshold: searchedThreshold } });
    // KATO refuses this for a threshold of 0, which then was not searched with before either.
    await ask(instance, "IncrementRecallThreshold", { value: 0 });
  }
  await insist(instance, "UpdateGenes", { genes: { ...genes, max_sequence_length: 0 } });
}

/** Lets KATO learn by itself and predict as it did. */
export async function restoreModes({ checkpoint, instance }: Context): Promise<void> {
  const { genes, predicting } = checkpoint.current.settings;
  const { max_sequence_length = 0 } = genes;
  if (max_sequence_length !== 0) await insist(instance, "UpdateGenes", { genes: { max_sequence_length } });
  await insist(instance, predicting ? "StartPredicting" : "StopPredicting", {});
}
