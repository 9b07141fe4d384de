import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { AnswerTooLarge, ask, dataOf, workingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";

const genes = [
  "recall_threshold",
  "max_sequence_length",
  "persistence",
  "smoothness",
  "always_update_frequencies",
] as const;

/**
 * Takes on an instance that the gateway has no checkpoint of: what it has is asked of it, once. The events
 * that are in its working memory already stand in no log, so they cannot be restored after a restart.
 */
export async function adopt({ checkpoint, instance, log }: Context, interval: number): Promise<void> {
  const known: Record<string, number> = {};
  for (const gene of genes) {
    const value = await geneOf(instance, gene);
    // One that is a boolean was never set: setting makes every gene a number.
    if (typeof value === "number") known[gene] = value;
  }
  const predicting = Boolean(await dataOf(instance, "GetGene", { gene: "predict" }));
  const events = await workingMemoryOf(instance).then(
    ({ length }) => length,
    (error) => {
      if (!(error instanceof AnswerTooLarge)) throw error;
      log.warn("working memory is too large to be counted");
      return 0;
    },
  );
  const settings = { ...firstCheckpoint.settings, genes: known, predicting, predictedLast: predicting };
  await checkpoint.persist({ interval, events, settings, adopted: settings });
  log.info({ interval, events, genes: known }, "adopted the instance");
}

/** Undefined for a gene that this KATO fails to tell. */
async function geneOf(instance: Context["instance"], gene: string) {
  const { response } = await ask(instance, "GetGene", { gene });
  return typeof response === "object" && response !== null && "data" in response ? response.data : undefined;
}
