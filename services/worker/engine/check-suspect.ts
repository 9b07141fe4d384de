import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf, insist, workingMemoryOf } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { eventsOf, planRebuild } from "./rebuild-plan.ts";
import { restoreGenes, restoreModes } from "./restore-settings.ts";
import { undoLearn } from "./undo-learn.ts";

/** So many models are remembered: those that working memory made since the suspect was last looked for. */
const rememberedModels = 8;

/**
 * Looks whether the call of the suspect has reached the instance since the last look, and mends what it has done. To be asked
 * after each step while there is a suspect: then what it can have met is known.
 */
export async function checkSuspect(context: Context): Promise<void> {
  const { memory } = context;
  if (!memory.suspect) return;
  const { method } = memory.suspect;
  if (method === "Learn") return checkLateLearn(context);
  if (settingMethods.has(method)) await restoreSettings(context);
  if (clearingMethods.has(method)) await checkLateClear(context);
}

/** What sets something. A ClearAllMemory shows by the interval, and a model that is deleted twice is gone either way. */
const settingMethods = new Set<string>([
  "UpdateGenes",
  "IncrementRecallThreshold",
  changeRecallThresholdMethod,
  "StartPredicting",
  "StopPredicting",
  "StopSleeping",
  "rebuild",
]);
const clearingMethods = new Set(["ClearWorkingMemory", "StartSleeping", "StopSleeping", "rebuild"]);

/** Whatever it has set, the settings are these. */
async function restoreSettings(context: Context): Promise<void> {
  const { checkpoint, instance } = context;
  await restoreGenes(context);
  await restoreModes(context);
  if (!checkpoint.current.settings.sleeping) await insist(instance, "StopSleeping", {});
}

async function checkLateClear(context: Context): Promise<void> {
  const { checkpoint, instance, memory, recovery } = context;
  const { length } = await workingMemoryOf(instance);
  // Only a clear makes it sleep, so where it should be asleep and was woken up working memory is cleared again.
  const isAwake = checkpoint.current.settings.sleeping && memory.suspect?.method !== "ClearWorkingMemory";
  if (length >= checkpoint.current.events && !isAwake) return;
  memory.suspect = null;
  recovery.count("foreign", "mended");
  await rebuild(context);
}

/**
 * A Learn empties working memory of what it learns. What is in it now was observed after that, so the rest of what the log says
 * was learned.
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
