import { insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { mendTicksUpTo } from "./foreign-ticks.ts";
import { rebuild } from "./rebuild.ts";
import { readWorkingMemory } from "./working-memory.ts";

/**
 * Working memory before KATO learns it; undefined where it cannot be read. A Learn of what somebody else has
 * changed would be wrong for ever, so the number of events and the interval have to be the expected ones:
 * else working memory is rebuilt first.
 */
export async function untouchedWorkingMemory(context: Context): Promise<string[][] | undefined> {
  const { checkpoint, instance, recovery, log } = context;
  const { interval } = await insist(instance, "Ping", {});
  await mendTicksUpTo(context, interval);
  const workingMemory = await readWorkingMemory(context);
  const { events } = checkpoint.current;
  if (!workingMemory || workingMemory.length === events || !recovery.mendsForeignCalls) return workingMemory;
  log.error({ events: workingMemory.length, expected: events }, "somebody else has changed working memory");
  recovery.count("foreign", "mended");
  await rebuild(context);
  return readWorkingMemory(context);
}
