import { degradedBy } from "../checkpoint/degradation.ts";
import { ask, frequencyOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { rebuild } from "./rebuild.ts";

/**
 * Takes back that a model was learned which nobody should have learned, as far as KATO lets anybody: one that was not known
 * before is deleted; a frequency stays one too high, and the statistics of the symbols stay as they are, so the processor is
 * `degraded`. `before` is how often the model was learned rightly. Then working memory is rebuilt from the log.
 */
export async function undoLearn(context: Context, model: string, before: number): Promise<void> {
  const { checkpoint, instance, log } = context;
  const frequency = await frequencyOf(instance, model);
  const isTooMany = frequency > before;
  if (isTooMany && frequency === 1) await ask(instance, "DeleteModel", { name: model });
  if (isTooMany) {
    const what =
      frequency === 1 ? "was deleted; symbol statistics are a little off" : "counts once too often";
    const detail = `a model that somebody else had KATO learn ${what}`;
    log.error({ model }, detail);
    const { degradations } = checkpoint.current;
    checkpoint.update({ degradations: degradedBy(degradations, "foreign-learn", detail) });
  }
  checkpoint.update({ mark: null });
  await rebuild(context);
}
