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
 * Adopts an instance of which there is no checkpoint, or of which the log cannot say any more what it has. It
 * asks the instance once what it has. The events that are already in its working memory are in no log, so they
 * cannot be restored after a restart.
 */
export async function adopt({ checkpoint, instance, log }: Context, interval: number): Promise<void> {
  const known: Record<string, number> = {};
  for (const gene of genes) {
    const value = await geneOf(instance, gene);
    // A gene that is a boolean was never set, because UpdateGenes makes every gene a number.
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
  const { current } = checkpoint;
  const settings = { ...current.settings, genes: known, predicting, predictedLast: predicting };
  // For clients the interval goes on counting, also if the instance has restarted meanwhile.
  const offset = current.offset + Math.max(0, current.interval - interval);
  const adopted = { interval, offset, events, settings, adopted: settings, adopting: false };
  await checkpoint.persist(adopted);
  log.info({ interval, events, genes: known }, "adopted the instance");
}

/** The value of a gene; undefined if this KATO fails to tell it. */
async function geneOf(instance: Context["instance"], gene: string) {
  const { response } = await ask(instance, "GetGene", { gene });
  return typeof response === "object" && response !== null && "data" in response ? response.data : undefined;
}
