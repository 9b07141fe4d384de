import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/events.ts";
import type { LearnIntent } from "../model/intent.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";

/**
 * The intent of a Learn, or of an Observe that will make KATO learn by itself: which model it will make, and
 * how often that was learned before. `workingMemory` is as it is before the call; undefined where it cannot
 * be read.
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
  return { kind: "learn", at: step.at, isObserve, before, events, model, frequency };
}
