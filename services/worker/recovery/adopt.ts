import type { JsonObject } from "../../../libs/kato/json.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { AnswerTooLarge, ask, dataOf, workingMemoryOf } from "../instance/call.ts";
import type { Context } from "../steps/context.ts";

const genes = [
  "recall_threshold",
  "max_sequence_length",
  "persistence",
  "smoothness",
  "always_update_frequencies",
] as const;

/** Whether nothing is known of the instance yet: `adopt` comes first. */
export function isUnknown(loaded: Checkpoint | undefined): boolean {
  if (!loaded) return true;
  const { interval, applied, step, ownObserve, rebuilding, replaying } = loaded;
  return interval === 0 && applied === 0 && step === 0 && !ownObserve && !rebuilding && !replaying;
}

/**
 * Takes on an instance that the gateway has no checkpoint of: what it has is asked from it, once. Events that are
 * in its working memory already stand in no log, so they cannot be given back after a restart.
 */
export async function adopt({ book, call, log }: Context, interval: number): Promise<void> {
  const known: Record<string, number> = {};
  for (const gene of genes) {
    const { response } = await ask(call, "GetGene", { gene });
    const value = (response as JsonObject | undefined)?.data;
    // One that is a boolean was never set: setting makes every gene a number.
    if (typeof value === "number") known[gene] = value;
  }
  const predicting = Boolean(await dataOf(call, "GetGene", { gene: "predict" }));
  const events = await workingMemoryOf(call).then(
    ({ length }) => length,
    (error) => {
      if (!(error instanceof AnswerTooLarge)) throw error;
      log.warn("working memory is too large to be counted");
      return 0;
    },
  );
  const settings = { ...firstCheckpoint.settings, genes: known, predicting, predictedLast: predicting };
  await book.ahead({ interval, events, settings, adopted: settings });
  log.info({ interval, events, genes: known }, "adopted the instance");
}
