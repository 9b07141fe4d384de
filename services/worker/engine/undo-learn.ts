import type { Degradation } from "../checkpoint/degradation.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { ask, frequencyOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { rebuild } from "./rebuild.ts";

/** What is told until it is known: the instance may die before. */
export const perhapsLearned = "a model that somebody else had KATO learn may be there";

/** The list once it is known. */
export function withoutPerhaps(degradations: readonly Degradation[]): Degradation[] {
  return degradations.filter(({ detail }) => detail !== perhapsLearned);
}

/**
 * Takes back a Learn that should not have happened, as far as KATO allows it. A model that was learned only
 * by that is deleted. The frequency of any other model stays one too high, and the statistics of symbols stay
 * as they are. So the processor is `degraded`. `before` is how often the model should have been learned. Then
 * working memory is rebuilt from the log.
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
  const detail = `a model that somebody else had KATO learn ${what}`;
  log.error({ model }, detail);
  checkpoint.update({ degradations: degradedBy(others, "foreign-learn", detail) });
  return rebuild(context);
}
