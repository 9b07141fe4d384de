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
 * Takes back a Learn that should not have happened, as far as KATO allows it. `model` is the model that was
 * learned, and `before` is how often it should have been learned. A model that nothing else has learned is
 * deleted. The frequency of any other model stays one too high. The statistics of symbols stay as they are.
 * So the processor is `degraded`. Afterwards working memory is rebuilt from the log.
 */
export async function undoLearn(context: Context, model: string, before: number): Promise<void> {
  const { checkpoint, instance, log } = context;
  const { degradations } = checkpoint.current;
  checkpoint.update({ mark: null, degradations: degradedBy(degradations, "foreign-learn", perhapsLearned) });
  const frequency = await frequencyOf(instance, model);
  const others = withoutPerhaps(degradations);
  if (frequency <= before) {
    checkpoint.update({ degradations: others });
    return rebuild(context);
  }
  if (frequency === 1) await ask(instance, "DeleteModel", { name: model });
  const what = frequency === 1 ? "was deleted; symbol statistics are a little off" : "counts once too often";
  const early = checkpoint.current.vectorsFrom === null ? "" : "; vectors were stored before their Learn";
  const detail = `a model that somebody else had KATO learn ${what}${early}`;
  log.error({ model }, detail);
  checkpoint.update({ degradations: degradedBy(others, "foreign-learn", detail) });
  return rebuild(context);
}
