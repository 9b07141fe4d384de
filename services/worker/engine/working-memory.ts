import { AnswerTooLarge, latestSymbolsOf, symbolCountOf, workingMemoryOf } from "../instance/questions.ts";
import { countSymbols } from "../model/events.ts";
import type { Context } from "./context.ts";
import { observesToReplay } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";

/**
 * Working memory, as events of symbols. Where KATO's answer would be too large, it is what the log says if
 * that has the right number of symbols; `newest` is an event that may be in it although the checkpoint does
 * not have it yet. Undefined where it cannot be told.
 */
export async function readWorkingMemory(
  context: Context,
  newest: string[] = [],
): Promise<string[][] | undefined> {
  try {
    return await workingMemoryOf(context.instance);
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
  }
  const known = eventsOf(planRebuild(context.checkpoint.current, await observesToReplay(context)));
  const size = await symbolCountOf(context.instance);
  if (countSymbols(known) === size) return known;
  if (countSymbols(known) + newest.length === size) return [...known, newest];
  return undefined;
}

/**
 * The event of an Observe of vectors that has succeeded just now; null where even that is too large to be
 * read.
 */
export async function latestSymbols({ instance }: Context): Promise<string[] | null> {
  try {
    return await latestSymbolsOf(instance);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return null;
    throw error;
  }
}
