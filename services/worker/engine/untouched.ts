import { insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { countForeign, mendTicksUpTo } from "./foreign-ticks.ts";
import { rebuild } from "./rebuild.ts";
import { noteVectorSymbols } from "./vector-symbols.ts";
import { readWorkingMemory } from "./working-memory.ts";

/**
 * Working memory before KATO learns it; undefined if it cannot be read. If somebody else has changed it, what
 * KATO learns would be wrong for ever. So the number of events and the interval are checked. If they are not
 * as expected, working memory is rebuilt first.
 */
export async function untouchedWorkingMemory(context: Context): Promise<string[][] | undefined> {
  const { checkpoint, instance, recovery, log } = context;
  const { interval } = await insist(instance, "Ping", {});
  await mendTicksUpTo(context, interval);
  const workingMemory = await readWorkingMemory(context);
  if (workingMemory) noteVectorSymbols(context, workingMemory);
  const { events } = checkpoint.current;
  if (!workingMemory || workingMemory.length === events || !recovery.mendsForeignCalls) return workingMemory;
  log.error({ events: workingMemory.length, expected: events }, "somebody else has changed working memory");
  recovery.count("foreign", "mended");
  countForeign(context, 1);
  await rebuild(context);
  return readWorkingMemory(context);
}
