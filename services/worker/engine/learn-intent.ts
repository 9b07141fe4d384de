import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf, vectorCountOf } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";

/**
 * The intent record of a Learn, or of an Observe that will make KATO learn by itself. It says which model
 * will be learned, and how often that was learned before. `workingMemory` is working memory before the call;
 * undefined if it cannot be read.
 */
export async function learnIntent(
  { instance }: Context,
  step: Step,
  workingMemory: string[][] | undefined,
  isObserve: boolean,
): Promise<LearnIntent> {
  const newEvent = isObserve ? eventOfStrings(step.request) : [];
  const before = workingMemory ?? [];
  const isForetold = workingMemory !== undefined && newEvent !== null;
  const events = isForetold ? [...before, ...(newEvent.length > 0 ? [newEvent] : [])] : null;
  const model = events ? modelName(events) : "";
  const frequency = await frequencyOf(instance, model);
  const intent: LearnIntent = { kind: "learn", at: step.at, isObserve, before, events, model, frequency };
  return newEvent === null ? { ...intent, vectors: await vectorCountOf(instance) } : intent;
}
