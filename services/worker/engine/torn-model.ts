import { ask, frequencyOf, insist } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { probeEvents } from "./probe-events.ts";

/**
 * Deletes the model of a Learn in which the instance died, if the model is torn. Resolves to whether it was.
 *
 * KATO writes a model before the statistics of its symbols. If it died between the two, every later Observe
 * that matches the model fails. So the marked events are observed, to see whether one fails. The rebuild that
 * follows restores working memory.
 */
export async function removeIfTorn(
  context: Context,
  intent: Pick<LearnIntent, "events" | "model">,
): Promise<boolean> {
  const { checkpoint, instance, log } = context;
  const isTorn = await probeEvents(
    context,
    (intent.events ?? []).map((strings) => ({ strings })),
  );
  await insist(instance, "ClearWorkingMemory", {});
  if (!isTorn) return false;
  // Once the model is deleted, nothing shows any more that it was torn.
  noteTorn(context);
  await checkpoint.flush();
  await deleteModel(context, intent.model);
  log.warn({ model: intent.model }, "a torn model was deleted");
  return true;
}

/** Deletes a model, if it is there. Throws Interrupted if it cannot be deleted now. */
export async function deleteModel({ instance }: Context, name: string): Promise<void> {
  await ask(instance, "DeleteModel", { name });
  if ((await frequencyOf(instance, name)) > 0) throw new Interrupted("the model cannot be deleted");
}

/** Notes what is left of a torn Learn: `what`, or else symbols that were counted once too often. */
export function noteTorn(context: Context, what = "symbol statistics may be a little off"): void {
  const detail = `a Learn was torn by a crash: ${what}`;
  degrade(context, "learn-torn", detail);
}
