import { modelName } from "../../../libs/kato/model-name.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { latestSymbolsOf, workingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";
import { undoLearn } from "./undo-learn.ts";

/**
 * Mends what was done by ticks that the checkpoint does not have: up to this interval, which the instance has now, and with no
 * call of this worker under way.
 */
export async function mendTicksUpTo(context: Context, interval: number): Promise<void> {
  const { checkpoint } = context;
  const ticks = interval - checkpoint.current.interval;
  if (ticks <= 0) return;
  checkpoint.update({ interval, ownObserve: null });
  await mendForeignTicks(context, ticks);
}

/**
 * After ticks that no command of this worker made, and which the checkpoint's interval has already: a worker that was frozen has woken up and written its Observe, or somebody
 * calls the instance past the gateway. Working memory then has events that the log has not, so it is rebuilt from the log before
 * anything else is applied, and clients do not see the ticks. Where the setting leaves such calls alone the processor is
 * `degraded`.
 */
export async function mendForeignTicks(context: Context, ticks: number): Promise<void> {
  if (ticks === 0) return;
  const { checkpoint, recovery, log } = context;
  const { degradations, offset, foreign } = checkpoint.current;
  log.error({ ticks }, "somebody else calls the instance");
  recovery.count("foreign", recovery.mendsForeignCalls ? "mended" : "left", ticks);
  const seen = { ticks: foreign.ticks + ticks, lastMs: Date.now() };
  if (!recovery.mendsForeignCalls) {
    const detail = "somebody else calls the instance";
    return checkpoint.update({
      foreign: seen,
      degradations: degradedBy(degradations, "foreign-calls", detail),
    });
  }
  checkpoint.update({ foreign: seen, offset: offset - ticks });
  const learned = await learnedByForeign(context, ticks);
  if (learned === undefined) await rebuild(context);
  else await undoLearn(context, learned, 0);
}

/**
 * The model that KATO learned by itself because of a foreign Observe; undefined where it learned none. It keeps the event that set
 * the learning off, so working memory begins with that, and what this worker observed since follows.
 */
async function learnedByForeign(context: Context, ticks: number): Promise<string | undefined> {
  const { checkpoint, instance } = context;
  if ((checkpoint.current.settings.genes.max_sequence_length ?? 0) === 0) return undefined;
  const expected = eventsOf(planRebuild(checkpoint.current, await observesToReplay(context)));
  const workingMemory = await workingMemoryOf(instance);
  if (workingMemory.length >= expected.length + ticks) return undefined;
  const [kept, ...since] = workingMemory;
  const learned = [
    ...expected.slice(0, expected.length - since.length),
    kept ?? (await latestSymbolsOf(instance)),
  ];
  return modelName(learned);
}
