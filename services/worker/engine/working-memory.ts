import {
  AnswerTooLarge,
  latestSymbolsOf,
  readableWorkingMemoryOf,
  symbolCountOf,
} from "../instance/questions.ts";
import { countSymbols } from "../model/memory-events.ts";
import type { Context } from "./context.ts";
import { observesToReplay } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";

/** The events that working memory should have, as the log says. */
export async function expectedEvents(context: Context): Promise<string[][]> {
  return eventsOf(planRebuild(context.checkpoint.current, await observesToReplay(context)));
}

/**
 * Working memory, as events of symbols. If KATO's answer would be too large, working memory is computed from
 * the log. That result counts if it has as many symbols as KATO's. `newest` is an event that may be in
 * working memory although the checkpoint does not have it yet. Undefined if working memory cannot be told.
 */
export async function readWorkingMemory(
  context: Context,
  newest: string[] = [],
): Promise<string[][] | undefined> {
  const workingMemory = await readableWorkingMemoryOf(context.instance);
  if (workingMemory) return workingMemory;
  const known = await expectedEvents(context);
  const size = await symbolCountOf(context.instance);
  if (countSymbols(known) === size) return known;
  if (countSymbols(known) + newest.length === size) return [...known, newest];
  return undefined;
}

/** The event of an Observe of vectors that has just succeeded; null if even that is too large to be read. */
export async function latestSymbols({ instance }: Context): Promise<string[] | null> {
  try {
    return await latestSymbolsOf(instance);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return null;
    throw error;
  }
}
