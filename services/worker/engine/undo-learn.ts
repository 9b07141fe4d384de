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
 * Takes back that a model was learned which nobody should have learned, as far as KATO lets anybody: one that
 * was not known before is deleted; a frequency stays one too high, and the statistics of the symbols stay as
 * they are, so the processor is `degraded`. `before` is how often the model was learned rightly. Then working
 * memory is rebuilt from the log.
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
