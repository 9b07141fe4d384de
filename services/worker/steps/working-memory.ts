import { AnswerTooLarge, insist, symbolCountOf, workingMemoryOf } from "../instance/call.ts";
import { observesOf } from "../recovery/rebuild.ts";
import { eventsOf, planRebuild } from "../recovery/rebuild-plan.ts";
import type { Context } from "./context.ts";

/**
 * Working memory, as events of symbols. Where it is larger than KATO's answer can be, it is what the log says if its size is that;
 * `newest` is an event that may be in it already though the checkpoint does not say so. Undefined where nobody can tell.
 */
export async function readWorkingMemory(
  context: Context,
  newest: string[] = [],
): Promise<string[][] | undefined> {
  try {
    return await workingMemoryOf(context.call);
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
  }
  const known = eventsOf(planRebuild(context.book.current, await observesOf(context)));
  const size = await symbolCountOf(context.call);
  if (countSymbols(known) === size) return known;
  if (countSymbols(known) + newest.length === size) return [...known, newest];
  return undefined;
}

function countSymbols(events: readonly string[][]): number {
  return events.reduce((sum, event) => sum + event.length, 0);
}

/** The event that an Observe of vectors, which has succeeded just now, has made; null where even that is too large to be read. */
export async function latestSymbols({ call }: Pick<Context, "call">): Promise<string[] | null> {
  try {
    const { response } = await insist(call, "GetCognitionData", {});
    return (response as unknown as { symbols: string[] }).symbols;
  } catch (error) {
    if (error instanceof AnswerTooLarge) return null;
    throw error;
  }
}
