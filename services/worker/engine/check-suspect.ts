import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf, insist, workingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";
import { undoLearn } from "./undo-learn.ts";

/** So many models are remembered: those that working memory made since the suspect was last looked for. */
const rememberedModels = 8;

/**
 * Looks whether the call of the suspect has reached the instance since the last look, and mends what it has
 * done. To be asked after each step while there is a suspect: then what it can have met is known. `isLast`:
 * nothing of it can come any more.
 */
export async function checkSuspect(context: Context, isLast = false): Promise<void> {
  const { memory } = context;
  if (!memory.suspect) return;
  const { method } = memory.suspect;
  if (method === "Learn") await checkLateLearn(context);
  if (settingMethods.has(method)) await restoreSettings(context);
  if (clearingMethods.has(method)) await checkLateClear(context);
  // What it has taken without a trace in working memory, as emotives and the threshold that is searched with.
  const isTraceless = method === "Learn" || clearingMethods.has(method) || thresholdMethods.has(method);
  if (isLast && isTraceless) await rebuild(context);
}

/**
 * What makes a threshold the one that is searched with. Only a rebuild restores that, as it has to be
 * persisted as under way.
 */
const thresholdMethods = new Set<string>([
  "IncrementRecallThreshold",
  changeRecallThresholdMethod,
  "rebuild",
]);
/**
 * What sets something. A ClearAllMemory shows by the interval, and a model that is deleted twice is gone
 * either way.
 */
const settingMethods = new Set<string>([
  ...thresholdMethods,
  "UpdateGenes",
  "StartPredicting",
  "StopPredicting",
  "StopSleeping",
]);
const clearingMethods = new Set(["ClearWorkingMemory", "StartSleeping", "StopSleeping", "rebuild"]);

/**
 * Sets what the suspect may have set otherwise. Each call leaves the settings right, wherever a crash cuts
 * them.
 */
async function restoreSettings({ checkpoint, instance }: Context): Promise<void> {
  const { genes, predicting, sleeping } = checkpoint.current.settings;
  const { max_sequence_length = 0 } = genes;
  await insist(instance, "UpdateGenes", { genes: { ...genes, max_sequence_length } });
  await insist(instance, predicting ? "StartPredicting" : "StopPredicting", {});
  if (!sleeping) await insist(instance, "StopSleeping", {});
}

async function checkLateClear(context: Context): Promise<void> {
  const { checkpoint, instance, memory, recovery } = context;
  const { length } = await workingMemoryOf(instance);
  // Only a clear makes it sleep, so where it should be asleep and was woken up working memory is cleared
  // again.
  const isAwake = checkpoint.current.settings.sleeping && memory.suspect?.method !== "ClearWorkingMemory";
  if (length >= checkpoint.current.events && !isAwake) return;
  memory.suspect = null;
  recovery.count("foreign", "mended");
  await rebuild(context);
}

/**
 * A Learn empties working memory of what it learns. What is in it now was observed after that, so the rest of
 * what the log says was learned.
 */
async function checkLateLearn(context: Context): Promise<void> {
  const { checkpoint, instance, memory, recovery, log } = context;
  const { suspect } = memory;
  if (!suspect) return;
  const expected = eventsOf(planRebuild(checkpoint.current, await observesToReplay(context)));
  const { length } = await workingMemoryOf(instance);
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
