import { decodeRequest, decodeResponse } from "../../../libs/kato/codec.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { frequencyOf, vectorCountOf } from "../instance/questions.ts";
import type { Position } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { stepAt } from "./method-at.ts";

// A late ClearAllMemory or DeleteModel takes what was learned since it stood in the log. It is repeated before
// anything else is applied, so that is what this worker has had learned. KATO has no list of it, so it is noted
// here.

/** How many models are noted. The first ones are: what takes them all has taken the first. */
const notedModels = 1_000;

/** Notes what a step that has ended has made the instance learn, or forget. To be called before the checkpoint has it. */
export function noteLearned({ checkpoint, memory }: Context, step: Step, outcome: StepOutcome): void {
  if (outcome.outcome !== "applied") return;
  const { learned } = memory;
  const isLearn = step.method === "Learn";
  const model = isLearn ? nameInAnswer(outcome.data) : outcome.autoLearnedModel;
  if (model !== "" && learned.models.size < notedModels) learned.models.add(model);
  // KATO stores the vectors of working memory even where there is no model to learn. Of an Observe that failed it has none.
  const hasVectors = checkpoint.current.vectorEvents.length > 0;
  if ((isLearn || model !== "") && hasVectors) learned.hasVectors = true;
  if (step.method === "DeleteModel") learned.models.delete(nameToDelete(step));
  if (step.method === "ClearAllMemory") memory.learned = nothingLearned();
}

/** What `Memory.learned` is at first. */
export function nothingLearned(): Context["memory"]["learned"] {
  return { models: new Set(), hasVectors: false };
}

/**
 * Notes that a late ClearAllMemory has taken what this worker has had learned. Such a call sets the interval back,
 * as a restart does, but a restart leaves what was learned.
 */
export async function noteIfCleared(context: Context): Promise<void> {
  const { checkpoint, instance, memory } = context;
  const { mark } = checkpoint.current;
  const underWay = mark ? await stepAt(context, mark.at) : undefined;
  if (underWay?.method === "ClearAllMemory") return;
  const beingDeleted = underWay?.method === "DeleteModel" ? nameToDelete(underWay) : "";
  const model = [...memory.learned.models].find((name) => name !== beingDeleted);
  const isModelGone = model !== undefined && (await frequencyOf(instance, model)) === 0;
  const areVectorsGone = memory.learned.hasVectors && (await vectorCountOf(instance)) === 0;
  if (!isModelGone && !areVectorsGone) return;
  degrade(context, "perhaps-cleared", "a worker that was frozen may have cleared what was learned since");
}

/**
 * Notes what a late DeleteModel has taken, which stands at this place in the log: this worker has had the model
 * learned, and it is gone.
 */
export async function noteIfDeleted(context: Context, at: Position): Promise<void> {
  const step = await stepAt(context, at);
  const { models } = context.memory.learned;
  const name = step && nameToDelete(step);
  const mayBeNoted = name === undefined ? models.size > 0 : models.has(name) || models.size >= notedModels;
  if (!mayBeNoted) return;
  if (name !== undefined && (await frequencyOf(context.instance, name)) > 0) return;
  const detail = "a worker that was frozen may have cleared away a model that was learned since";
  degrade(context, "perhaps-cleared", detail);
}

function nameInAnswer(data: Uint8Array): string {
  return data.length > 0 ? learnedName(decodeResponse("Learn", data).message) : "";
}

function nameToDelete({ request }: Step): string {
  return decodeRequest("DeleteModel", Buffer.from(request)).name;
}
