import { degradedBy } from "../checkpoint/degradation.ts";
import { ask, frequencyOf, insist } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";
import type { Context } from "./context.ts";
import { gatewayUniqueId } from "./gateway-observe.ts";

/**
 * Deletes the model of a Learn in which the instance died, if it is torn, and says whether it was.
 *
 * KATO writes a model before the statistics of its symbols. Where it died between, every later Observe that
 * matches the model fails, for ever. So the marked events are observed to see whether one fails. That moves
 * the interval, so it is persisted as a rebuild; the rebuild that follows it restores working memory.
 */
export async function removeIfTorn(context: Context, intent: LearnIntent): Promise<boolean> {
  const { checkpoint, instance, log } = context;
  const { interval: base } = await insist(instance, "Ping", {});
  await checkpoint.persist({ rebuilding: { base, inPlace: false } });
  await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  await insist(instance, "StopPredicting", {});
  await insist(instance, "ClearWorkingMemory", {});
  const isTorn = await doesAnyFail(context, intent.events ?? []);
  await insist(instance, "ClearWorkingMemory", {});
  if (!isTorn) return false;
  await ask(instance, "DeleteModel", { name: intent.model });
  if ((await frequencyOf(instance, intent.model)) > 0)
    throw new Interrupted("the torn model cannot be deleted");
  const detail = "a Learn was torn by a crash: symbol statistics may be a little off";
  log.warn({ model: intent.model }, detail);
  const { degradations } = checkpoint.current;
  checkpoint.update({ degradations: degradedBy(degradations, "learn-torn", detail) });
  return true;
}

/** Observes the events, and has KATO predict at the last: only predicting looks at the statistics. */
async function doesAnyFail({ instance }: Context, events: string[][]): Promise<boolean> {
  let hasFailed = false;
  for (const [index, strings] of events.entries()) {
    if (index === events.length - 1) await insist(instance, "StartPredicting", {});
    const { status } = await ask(instance, "Observe", { strings, unique_id: gatewayUniqueId });
    hasFailed ||= status === "FAILED";
  }
  return hasFailed;
}
