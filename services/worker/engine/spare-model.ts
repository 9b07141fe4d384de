import { modelName } from "../../../libs/kato/model-name.ts";
import { ask, frequencyOf, insist, workingMemoryOf } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import type { Context } from "./context.ts";
import { askAgainMs } from "./context.ts";
import { gatewayUniqueId } from "./gateway-observe.ts";
import { deleteModel, noteTorn } from "./torn-model.ts";

/**
 * Gives statistics to the symbols in working memory: has KATO learn them as a model that it does not know, the
 * *spare*, and deletes that model. KATO counts every symbol of a model that it learns, and keeps the counts. If
 * KATO knows the model of working memory, its last event is added once more. Resolves to whether that was
 * possible. The name of the spare is persisted first, so that it is deleted whatever dies (`removeSpare`).
 */
export async function giveStatistics(context: Context, intent: LearnIntent): Promise<boolean> {
  const { checkpoint, instance } = context;
  let events = await workingMemoryOf(instance);
  if (!(await isSpare(context, events))) {
    await ask(instance, "Observe", { strings: events.at(-1) ?? [], unique_id: gatewayUniqueId });
    events = await workingMemoryOf(instance);
    if (!(await isSpare(context, events))) return false;
  }
  const spare = modelName(events);
  await checkpoint.persist({ mark: { ...intent, spare } });
  await insist(instance, "Learn", {});
  await deleteModel(context, spare);
  noteTorn(context);
  return true;
}

/** Whether these events make a model that KATO does not know. */
async function isSpare({ instance }: Context, events: string[][]): Promise<boolean> {
  const model = modelName(events);
  return model !== "" && (await frequencyOf(instance, model)) === 0;
}

/** Deletes the spare of an earlier attempt that was interrupted, if there was one. */
export async function removeSpare(context: Context, { spare, before }: LearnIntent): Promise<void> {
  if (spare === undefined) return;
  const { checkpoint, instance } = context;
  const { interval } = await insist(instance, "Ping", {});
  const base = checkpoint.current.rebuilding?.base ?? 0;
  // Every event of the probe has ticked since `base`, unless the instance has restarted again.
  if (interval > base + before.length) await waitForSpare(context, spare);
  await deleteModel(context, spare);
}

/** Waits for the Learn of the spare, which may still be running, but no longer than a call may take. */
async function waitForSpare({ instance, pause }: Context, spare: string): Promise<void> {
  // A Learn stores vectors before it empties working memory.
  await pause(askAgainMs);
  for (let waitedMs = 0; waitedMs < instance.callTimeoutMs; waitedMs += askAgainMs) {
    const isWritten = (await frequencyOf(instance, spare)) > 0;
    // After the model KATO writes more, which takes a moment.
    if (isWritten) return pause(askAgainMs);
    const isNotBegun = (await workingMemoryOf(instance)).length > 0;
    if (isNotBegun) return;
    await pause(askAgainMs);
  }
}
