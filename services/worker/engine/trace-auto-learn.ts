import { decodeRequest } from "../../../libs/kato/codec.ts";
import type { Json } from "../../../libs/kato/json.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { dataOf, frequencyOf, insist, vectorCountOf, workingMemoryOf } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { modelsAlike } from "./models-alike.ts";
import { probeEvents } from "./probe-events.ts";
import { observesToReplay } from "./rebuild.ts";
import { planRebuild, sumOfVectors } from "./rebuild-plan.ts";
import { giveStatistics, removeSpare } from "./spare-model.ts";
import { noteTorn } from "./torn-model.ts";

/**
 * What was found out about an auto-learn. `hasVectors` says that the instance has the vectors of its Observe: it
 * has learned them, by this Observe or earlier, or learns them with the next Learn. `intent` is the intent record
 * with the events that were learned.
 */
export type Traced =
  | { verdict: "not-begun"; hasVectors: boolean }
  | { verdict: "unknown" }
  | { verdict: "foretold"; intent: LearnIntent };

/** One of the vectors that an event has the names of. Its values are null if it is not learned. */
interface NamedVector {
  name: string;
  values: Json;
}

/** An event has the names of so many of the nearest learned vectors. */
const nearestCount = 3;
/** So low that every model is found that shares an event with working memory. */
const lowThreshold = 0.1;

/**
 * Finds out which model an Observe with vectors has made KATO learn by itself, once the instance has died in
 * it. Only KATO knows which symbols the vectors got. So they are observed again, with auto-learning off.
 *
 * A Learn stores the vectors before it writes the model, those of the latest Observe last. If these are not
 * stored, nothing was written. If they are, they are neighbours of themselves, and crowd out one of the symbols
 * that they got at first. So the model is looked for among the predictions. If it is torn, predicting fails.
 * Then its symbols get the statistics that they lack (`giveStatistics`).
 *
 * As `probeEvents`, it has to be followed by a rebuild.
 */
export async function traceAutoLearn(context: Context, step: Step, intent: LearnIntent): Promise<Traced> {
  const { instance } = context;
  await removeSpare(context, intent);
  await lowerThreshold(context);
  let hasFailed = await observe(context, step, intent);
  const workingMemory = await workingMemoryOf(instance);
  const event = workingMemory[intent.before.length];
  // The Observe failed before it made an event, so it has set off nothing.
  if (!event) return { verdict: "not-begun", hasVectors: false };
  const vectors = await vectorsOf(context, step, event);
  const waiting = await waitingSums(context);
  if (vectors.some(({ values }) => values === null)) {
    noteOtherSymbols(context, vectors, waiting);
    return { verdict: "not-begun", hasVectors: true };
  }
  const events = [...intent.before, event];
  const model = modelName(events);
  const hasNew = await isNew(context, step, intent, waiting);
  if (hasFailed && hasNew && (await frequencyOf(instance, model)) === 1) {
    return { verdict: "foretold", intent: { ...intent, events, model, frequency: 0 } };
  }
  if (hasFailed && (await giveStatistics(context, intent))) {
    hasFailed = await observe(context, step, intent);
  }
  if (hasFailed) {
    noteTorn(context, "observations that match its model fail");
    return { verdict: "unknown" };
  }
  const own = JSON.stringify(sumOfVectors(step.request));
  const name = vectors.find(({ values }) => JSON.stringify(values) === own)?.name;
  const alike = await modelsAlike(context, { before: intent.before, strings: stringsOf(step), vector: name });
  if (alike?.length === 0) {
    noteOtherSymbols(context, vectors, waiting);
    return { verdict: "not-begun", hasVectors: true };
  }
  const [found] = alike ?? [];
  if (!found || alike?.length !== 1 || !hasNew) return { verdict: "unknown" };
  return { verdict: "foretold", intent: { ...intent, events: found, model: modelName(found), frequency: 0 } };
}

/** Observes the events before the step's, and then the step's strings and vectors. */
function observe(context: Context, step: Step, { before }: LearnIntent): Promise<boolean> {
  const { strings = [], vectors = [] } = decodeRequest("Observe", Buffer.from(step.request));
  return probeEvents(context, [...before.map((event) => ({ strings: event })), { strings, vectors }]);
}

function stringsOf({ request }: Step): string[] {
  return decodeRequest("Observe", Buffer.from(request)).strings ?? [];
}

/**
 * Has KATO search with a threshold at which the model is found. The one that it searches with is noted, so that
 * the rebuild sets it again.
 */
async function lowerThreshold({ checkpoint, instance }: Context): Promise<void> {
  const { settings } = checkpoint.current;
  const gene = { gene: "recall_threshold" };
  const searchedThreshold = settings.searchedThreshold ?? Number(await dataOf(instance, "GetGene", gene));
  if (searchedThreshold <= lowThreshold) return;
  await checkpoint.persist({ settings: { ...settings, searchedThreshold } });
  await insist(instance, "UpdateGenes", { genes: { recall_threshold: lowThreshold } });
  await insist(instance, "IncrementRecallThreshold", { value: 0 });
}

/**
 * The vectors of an event. Only that of the Observe itself may be not learned. In an event the names of vectors
 * come before the strings.
 */
async function vectorsOf({ instance }: Context, step: Step, event: string[]): Promise<NamedVector[]> {
  const vectors: NamedVector[] = [];
  for (const name of event.slice(0, event.length - stringsOf(step).length)) {
    vectors.push({ name, values: await dataOf(instance, "GetVector", { name }) });
  }
  return vectors;
}

/**
 * Whether the vectors of the Observe were certainly not learned before. So a model that has them was learned by
 * this Observe. It is certain if there are as many more vectors as were waiting to be learned.
 */
async function isNew(
  { instance }: Context,
  step: Step,
  { vectors }: LearnIntent,
  waiting: string[],
): Promise<boolean> {
  if (vectors === undefined) return false;
  const sums = new Set([...waiting, JSON.stringify(sumOfVectors(step.request))]);
  return sums.size === waiting.length + 1 && (await vectorCountOf(instance)) - vectors === sums.size;
}

/** What the Observes of vectors since the last Learn have to be learned as, each once, as JSON. */
async function waitingSums(context: Context): Promise<string[]> {
  const { vectors } = planRebuild(context.checkpoint.current, await observesToReplay(context));
  return [...new Set(vectors.map(({ sum }) => JSON.stringify(sum)))];
}

/**
 * Notes it if the Observe may get other symbols when it is repeated than it got at first. That is so if one of
 * the nearest vectors was stored only after it, or if its own vector may have taken the place of another one.
 */
function noteOtherSymbols(context: Context, vectors: NamedVector[], waiting: string[]): void {
  const isStored = vectors.every(({ values }) => values !== null);
  const hasLater = vectors.some(({ values }) => waiting.includes(JSON.stringify(values)));
  if (!hasLater && !(isStored && vectors.length >= nearestCount)) return;
  degrade(context, "vectors-differ", "events with vectors got other symbols after a crash in an auto-learn");
}
