import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf, insist, readableWorkingMemoryOf, vectorCountOf } from "../instance/questions.ts";
import type { Context, Suspect } from "./context.ts";
import { degrade } from "./degrade.ts";
import { rebuild } from "./rebuild.ts";
import { undoLearn } from "./undo-learn.ts";
import { expectedEvents } from "./working-memory.ts";

/** How many models are kept in `Suspect.frequencies`. The latest ones are kept. */
const rememberedModels = 8;

/**
 * Checks whether the suspected call has reached the instance since the last check, and mends what it has
 * done. It has to be called after each step while a call is suspected, also after those that reconciling has found
 * applied. So it is known which state of the instance the call can have met. `isLast` says that the call cannot
 * come any more.
 */
export async function checkSuspect(context: Context, isLast = false): Promise<void> {
  const { memory, recovery } = context;
  if (!memory.suspect) return;
  const { method } = memory.suspect;
  if (method === "Learn") await checkLateLearn(context);
  if (settingMethods.has(method)) await restoreSettings(context);
  if (clearingMethods.has(method)) await checkLateClear(context);
  // Some of what such a call changes cannot be seen: emotives, and the threshold that KATO searches with. And the
  // tick of a late Observe may have been taken for that of the next one of the log, if both make the same event.
  // So it is restored once at the end, even if nothing was noticed.
  const isObserve = method === "Observe" && recovery.mendsForeignCalls;
  const isTraceless =
    isObserve || method === "Learn" || clearingMethods.has(method) || thresholdMethods.has(method);
  if (isLast && isTraceless) await rebuild(context);
}

/**
 * The methods that change with which threshold KATO searches. Only a rebuild restores that, because the
 * checkpoint has to say that the restoring is under way.
 */
const thresholdMethods = new Set<string>([
  "IncrementRecallThreshold",
  changeRecallThresholdMethod,
  "rebuild",
]);
/**
 * The methods that set something. Two methods need no check: a ClearAllMemory shows by the interval, and what a
 * DeleteModel has taken is only told.
 */
const settingMethods = new Set<string>([
  ...thresholdMethods,
  "UpdateGenes",
  "StartPredicting",
  "StopPredicting",
  "StartSleeping",
  "StopSleeping",
]);
const clearingMethods = new Set(["ClearWorkingMemory", "StartSleeping", "StopSleeping", "rebuild"]);

/**
 * Sets again what the suspected call may have set. A crash between these calls does no harm, because each of
 * them sets only what the checkpoint says.
 */
async function restoreSettings({ checkpoint, instance }: Context): Promise<void> {
  const { genes, predicting, sleeping } = checkpoint.current.settings;
  const { max_sequence_length = 0 } = genes;
  await insist(instance, "UpdateGenes", { genes: { ...genes, max_sequence_length } });
  await insist(instance, predicting ? "StartPredicting" : "StopPredicting", {});
  if (!sleeping) await insist(instance, "StopSleeping", {});
}

async function checkLateClear(context: Context): Promise<void> {
  const { checkpoint, memory, recovery } = context;
  const length = await eventCountOf(context);
  // The call may have woken an instance that should sleep. Only StartSleeping puts it to sleep again, which
  // also clears working memory. So a rebuild is needed, which does both.
  const isAwake = checkpoint.current.settings.sleeping && memory.suspect?.method !== "ClearWorkingMemory";
  if (length >= checkpoint.current.events && !isAwake) return;
  memory.suspect = null;
  recovery.count("foreign", "mended");
  await rebuild(context);
}

/** How many events working memory has. One that is too large to be read was not emptied, so it has what it should. */
async function eventCountOf({ checkpoint, instance }: Context): Promise<number> {
  return (await readableWorkingMemoryOf(instance))?.length ?? checkpoint.current.events;
}

/**
 * Checks for a late Learn, which takes the events that it learns out of working memory. If there are fewer
 * events than the log says, a late Learn has come: it has learned the missing ones, and the events that are
 * there were observed after it. If none are missing, this notes which model a Learn would make now.
 */
async function checkLateLearn(context: Context): Promise<void> {
  const { checkpoint, instance, memory, recovery, log } = context;
  const { suspect } = memory;
  if (!suspect) return;
  await checkVectors(context, suspect);
  const expected = await expectedEvents(context);
  const length = await eventCountOf(context);
  if (length < checkpoint.current.events) {
    const model = modelName(expected.slice(0, expected.length - length));
    log.error({ model }, "a worker that was frozen has learned working memory");
    memory.suspect = null;
    recovery.count("foreign", "mended");
    return undoLearn(context, model, suspect.frequencies.get(model) ?? 0);
  }
  const model = modelName(expected);
  if (model === "") return;
  suspect.frequencies.delete(model);
  suspect.frequencies.set(model, await frequencyOf(instance, model));
  const [oldest] = suspect.frequencies.keys();
  if (suspect.frequencies.size > rememberedModels && oldest !== undefined) suspect.frequencies.delete(oldest);
}

/**
 * Checks whether a late Learn has stored vectors that wait for their own Learn. KATO stores them even where there is
 * no model to learn, and nobody can take that back.
 */
async function checkVectors(context: Context, suspect: Suspect): Promise<void> {
  const count = await vectorCountOf(context.instance);
  const hasRisen = suspect.vectors !== undefined && count > suspect.vectors;
  suspect.vectors = count;
  const { vectorsFrom, mark } = context.checkpoint.current;
  // Where none wait, they were stored by their own Learn. That one is still marked where it has died after that.
  if (!hasRisen || vectorsFrom === null || mark !== null) return;
  degrade(context, "foreign-vectors", "vectors were stored before their Learn");
}
