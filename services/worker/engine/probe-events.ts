import type { Json } from "../../../libs/kato/json.ts";
import { ask, insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { gatewayUniqueId } from "./gateway-observe.ts";

/** What the instance is given to observe: the symbols of an event, or what has to get its symbols. */
export interface ProbedEvent {
  strings: string[];
  vectors?: Json[][];
}

/**
 * Has the instance observe these events and nothing else, to see what it makes of them, and has it predict at
 * the last one. Resolves to whether one failed. It fails if it matches a torn model: KATO has written that
 * model and died before it wrote the statistics of its symbols, and only predicting needs these.
 *
 * Nothing is learned by it. It moves the interval and fills working memory. So the checkpoint says before it
 * that a rebuild is under way, and a rebuild has to follow.
 */
export async function probeEvents(
  { checkpoint, instance }: Context,
  events: ProbedEvent[],
): Promise<boolean> {
  const isFirst = checkpoint.current.rebuilding === null;
  const { interval: base } = await insist(instance, "Ping", {});
  await checkpoint.persist({ rebuilding: { base, inPlace: false } });
  await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  // An Observe of an earlier attempt may still be running. KATO's lock holds this one back until it is over.
  if (!isFirst) await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  await insist(instance, "StopPredicting", {});
  await insist(instance, "ClearWorkingMemory", {});
  let hasFailed = false;
  for (const [index, event] of events.entries()) {
    if (index === events.length - 1) await insist(instance, "StartPredicting", {});
    const { status } = await ask(instance, "Observe", { ...event, unique_id: gatewayUniqueId });
    hasFailed ||= status === "FAILED";
  }
  return hasFailed;
}
