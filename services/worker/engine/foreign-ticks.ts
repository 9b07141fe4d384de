import { modelName } from "../../../libs/kato/model-name.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { frequencyOf, latestSymbolsOf, readableWorkingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { rebuild } from "./rebuild.ts";
import { perhapsLearned, undoLearn, withoutPerhaps } from "./undo-learn.ts";
import { expectedEvents } from "./working-memory.ts";

/**
 * Mends what foreign ticks have done, if there were any. `interval` is the instance's interval now. Every
 * tick between the checkpoint's interval and this one counts as foreign. So no call of this worker may be
 * under way.
 */
export async function mendTicksUpTo(context: Context, interval: number): Promise<void> {
  const { checkpoint } = context;
  const ticks = interval - checkpoint.current.interval;
  if (ticks <= 0) return;
  checkpoint.update({ interval, ownObserve: null, ...withoutForeign(context, ticks, interval) });
  await mendForeignTicks(context, ticks);
}

/**
 * What the checkpoint says of foreign ticks, the last of which has led to this interval. They are hidden from
 * clients, and working memory has to be rebuilt. That is noted together with the interval. Otherwise nobody
 * would know of it any more if the mending is interrupted before the rebuild. If foreign ticks are not mended,
 * there is nothing to say.
 */
export function withoutForeign(
  { checkpoint, recovery }: Context,
  ticks: number,
  interval: number,
): Partial<Pick<Checkpoint, "offset" | "rebuilding">> {
  if (ticks === 0 || !recovery.mendsForeignCalls) return {};
  const { offset } = checkpoint.current;
  return { offset: offset - ticks, rebuilding: { base: interval, inPlace: true } };
}

/**
 * Mends what foreign ticks have done. These are ticks that no command of this worker made. Either a worker
 * that was frozen has woken up and sent its Observe, or somebody calls the instance past the gateway. Working
 * memory then has events that the log does not have. So it is rebuilt from the log before anything else is
 * applied. With FOREIGN_OBSERVES=leave nothing is mended, and the processor is `degraded`. The checkpoint's
 * interval has to include these ticks already.
 */
export async function mendForeignTicks(context: Context, ticks: number): Promise<void> {
  if (ticks === 0) return;
  const { checkpoint, recovery, log } = context;
  const ahead = aheadOfLog(context, ticks);
  log.error({ ticks }, ahead ?? "somebody else calls the instance");
  recovery.count("foreign", recovery.mendsForeignCalls ? "mended" : "left", ticks);
  countForeign(context, ticks);
  if (!recovery.mendsForeignCalls)
    return degrade(context, "foreign-calls", "somebody else calls the instance");
  if (ahead !== undefined) degrade(context, "ahead-of-log", ahead);
  const { settings } = checkpoint.current;
  const mayHaveLearned = (settings.genes.max_sequence_length ?? 0) !== 0;
  // This is noted first, because the instance may die before it is known whether a model was learned.
  if (mayHaveLearned) degrade(context, "foreign-learn", perhapsLearned);
  const learned = await lookForLearned(context, ticks, mayHaveLearned);
  if (typeof learned === "object") return undoLearn(context, learned.model, 0);
  if (learned === "nothing")
    checkpoint.update({ degradations: withoutPerhaps(checkpoint.current.degradations) });
  await rebuild(context);
}

/** Tells clients how many foreign calls were noticed, and when the last one was. */
export function countForeign({ checkpoint }: Context, count: number): void {
  const { foreign } = checkpoint.current;
  checkpoint.update({ foreign: { ticks: foreign.ticks + count, lastMs: Date.now() } });
}

/**
 * What is to be told of an instance that this worker finds ahead of the log; undefined if it is not. NATS may have
 * gone back to an earlier state, which takes everything with it that could show that. A worker that was frozen
 * sends only one call.
 */
function aheadOfLog({ memory, recovery }: Context, ticks: number): string | undefined {
  const isJustFound = memory.unaccounted === Number.POSITIVE_INFINITY;
  if (!isJustFound || ticks === 1 || !recovery.mendsForeignCalls) return undefined;
  return (
    `the instance has observed more than its log has, ${ticks} times: ` +
    "NATS went back to an earlier state, or somebody else calls the instance"
  );
}

/**
 * The model that KATO learned by itself because of a foreign Observe. It is unknown where the foreign event stands in the
 * middle of the model: then an Observe of the log has set the learning off. If the foreign Observes had vectors, the
 * processor is `degraded`: the next Learn stores the vectors, and nothing can prevent that.
 */
async function lookForLearned(
  context: Context,
  ticks: number,
  mayHaveLearned: boolean,
): Promise<{ model: string } | "nothing" | "unknown"> {
  const workingMemory = await readableWorkingMemoryOf(context.instance);
  if (!workingMemory) return "nothing";
  const expected = await expectedEvents(context);
  const own = new Set(expected.flat());
  const hasVectors = workingMemory.flat().some((symbol) => symbol.startsWith("VECTOR|") && !own.has(symbol));
  if (hasVectors)
    degrade(context, "foreign-vectors", "somebody else has observed vectors, which KATO will learn");
  if (!mayHaveLearned || workingMemory.length >= expected.length + ticks) return "nothing";
  const model = await autoLearnedModel(context, expected, workingMemory);
  if (model !== undefined) return { model };
  return JSON.stringify(workingMemory) === JSON.stringify(expected) ? "nothing" : "unknown";
}

/**
 * The name of the model that KATO has learned by itself; undefined if it has learned none. KATO keeps the
 * last event when it learns. So working memory begins with that event, and the events that were observed
 * since follow. The Observe that made KATO learn may have made the kept event. If it made no event, the kept
 * one is the event before it.
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
