import type { Degradation } from "../checkpoint/degradation.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { ask, frequencyOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { rebuild } from "./rebuild.ts";

/**
 * The detail of `foreign-learn` while it is not known yet whether a model was learned. It is noted because
 * the instance may die before that is known.
 */
export const perhapsLearned = "a model that somebody else had KATO learn may be there";

/** The list without that detail. To be used once it is known whether a model was learned. */
export function withoutPerhaps(degradations: readonly Degradation[]): Degradation[] {
  return degradations.filter(({ detail }) => detail !== perhapsLearned);
}

/**
 * Takes back that KATO learned a model which it should not have learned, as far as KATO allows it. A model that
 * was not known before is deleted. What cannot be taken back makes the processor `degraded`: a frequency that
 * is one too high, the statistics of the symbols, and vectors that were stored before their own Learn.
 * `before` is how often the model was rightly learned. At the end working memory is rebuilt from the log.
 */
export async function undoLearn(context: Context, model: string, before: number): Promise<void> {
  const { checkpoint, instance, log } = context;
  const { vectorsFrom, interval } = checkpoint.current;
  let degradations = checkpoint.current.degradations;
  // Once the model is deleted, nothing shows it any more.
  await checkpoint.persist({
    mark: null,
    rebuilding: { base: interval, inPlace: true },
    degradations: degradedBy(degradations, "foreign-learn", perhapsLearned),
  });
  const frequency = await frequencyOf(instance, model);
  degradations = withoutPerhaps(degradations);
  // Vectors are stored even where there is no model to learn.
  if (vectorsFrom !== null) {
    degradations = degradedBy(degradations, "foreign-vectors", "vectors were stored before their Learn");
  }
  if (frequency > before) {
    if (frequency === 1) await ask(instance, "DeleteModel", { name: model });
    const what =
      frequency === 1 ? "was deleted; symbol statistics are a little off" : "counts once too often";
    const detail = `a model that somebody else had KATO learn ${what}`;
    log.error({ model }, detail);
    degradations = degradedBy(degradations, "foreign-learn", detail);
  }
  checkpoint.update({ degradations });
  return rebuild(context);
}
