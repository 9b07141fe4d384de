import { modelName } from "../../../libs/kato/model-name.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { DegradationCode } from "../checkpoint/degradation.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { AnswerTooLarge, frequencyOf, latestSymbolsOf, workingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";
import { perhapsLearned, undoLearn, withoutPerhaps } from "./undo-learn.ts";

/**
 * Mends what was done by ticks that the checkpoint does not have: up to this interval, which the instance has
 * now, and with no call of this worker under way.
 */
export async function mendTicksUpTo(context: Context, interval: number): Promise<void> {
  const { checkpoint } = context;
  const ticks = interval - checkpoint.current.interval;
  if (ticks <= 0) return;
  checkpoint.update({ interval, ownObserve: null, ...withoutForeign(context, ticks) });
  await mendForeignTicks(context, ticks);
}

/** What the checkpoint becomes so that clients do not see these ticks: only where they are mended. */
export function withoutForeign({ checkpoint, recovery }: Context, ticks: number): Pick<Checkpoint, "offset"> {
  const { offset } = checkpoint.current;
  return { offset: recovery.mendsForeignCalls ? offset - ticks : offset };
}

/**
 * After ticks that no command of this worker made, and which the checkpoint has already: a worker that was
 * frozen has woken up and written its Observe, or somebody calls the instance past the gateway. Working
 * memory then has events that the log has not, so it is rebuilt from the log before anything else is applied.
 * Where the setting leaves such calls alone the processor is `degraded`.
 */
export async function mendForeignTicks(context: Context, ticks: number): Promise<void> {
  if (ticks === 0) return;
  const { checkpoint, recovery, log } = context;
  log.error({ ticks }, "somebody else calls the instance");
  recovery.count("foreign", recovery.mendsForeignCalls ? "mended" : "left", ticks);
  const { foreign } = checkpoint.current;
  checkpoint.update({ foreign: { ticks: foreign.ticks + ticks, lastMs: Date.now() } });
  if (!recovery.mendsForeignCalls)
    return degrade(context, "foreign-calls", "somebody else calls the instance");
  const { settings } = checkpoint.current;
  const mayHaveLearned = (settings.genes.max_sequence_length ?? 0) !== 0;
  // In case the instance dies before it is known.
  if (mayHaveLearned) degrade(context, "foreign-learn", perhapsLearned);
  const learned = await lookForLearned(context, ticks, mayHaveLearned);
  if (learned !== undefined) return undoLearn(context, learned, 0);
  if (mayHaveLearned) checkpoint.update({ degradations: withoutPerhaps(checkpoint.current.degradations) });
  await rebuild(context);
}

/**
 * The model that KATO learned by itself because of a foreign Observe; undefined where it learned none. Of
 * vectors that were observed it is told that the next Learn will store them, as nothing can take that back.
 */
async function lookForLearned(
  context: Context,
  ticks: number,
  mayHaveLearned: boolean,
): Promise<string | undefined> {
  const { checkpoint, instance } = context;
  const workingMemory = await workingMemoryOf(instance).catch((error) => {
    if (error instanceof AnswerTooLarge) return undefined;
    throw error;
  });
  if (!workingMemory) return undefined;
  const expected = eventsOf(planRebuild(checkpoint.current, await observesToReplay(context)));
  const own = new Set(expected.flat());
  const hasVectors = workingMemory.flat().some((symbol) => symbol.startsWith("VECTOR|") && !own.has(symbol));
  if (hasVectors)
    degrade(context, "foreign-vectors", "somebody else has observed vectors, which KATO will learn");
  if (!mayHaveLearned || workingMemory.length >= expected.length + ticks) return undefined;
  return autoLearnedModel(context, expected, workingMemory);
}

/**
 * KATO keeps the last event when it learns, so working memory begins with that, and what was observed since
 * follows. It is the event that set the learning off, or, where that Observe made none, the one before.
 */
async function autoLearnedModel(
  { instance }: Context,
  expected: string[][],
  [kept, ...since]: string[][],
): Promise<string | undefined> {
  const before = expected.slice(0, expected.length - since.length);
  const withEvent = modelName([...before, kept ?? (await latestSymbolsOf(instance))]);
  if ((await frequencyOf(instance, withEvent)) > 0) return withEvent;
  const without = modelName(before);
  return (await frequencyOf(instance, without)) > 0 && isLast(before, kept) ? without : undefined;
}

function isLast(events: string[][], kept: string[] | undefined): boolean {
  return kept === undefined || JSON.stringify(events.at(-1)) === JSON.stringify(kept);
}

function degrade({ checkpoint }: Context, code: DegradationCode, detail: string): void {
  checkpoint.update({ degradations: degradedBy(checkpoint.current.degradations, code, detail) });
}
