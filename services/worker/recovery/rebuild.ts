import type { Json } from "../../../libs/kato/json.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { neededFrom } from "../checkpoint/effects.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { AnswerTooLarge, ask, dataOf, insist, symbolCountOf, workingMemoryOf } from "../instance/call.ts";
import { Interrupted } from "../interruptions.ts";
import type { Context } from "../steps/context.ts";
import type { Step } from "../steps/step.ts";
import { leaveIntervalZero, ownUniqueId } from "./own-observe.ts";
import type { RebuildPlan } from "./rebuild-plan.ts";
import { differenceInSize, differenceOf, planRebuild } from "./rebuild-plan.ts";

/**
 * Re-applies the volatile part of the processor's state to its instance: working memory, emotives, the vectors that are to be
 * learned, predictions, genes (docs/recovery.md, Rebuilding). Nothing is learned by it. `base` is the interval that it begins at.
 *
 * It is persisted as under way before its first call and until its last, so no interval within it is taken for something else
 * (A5). `inPlace` is for an instance that has not restarted: it still has the vectors.
 */
export async function rebuild(context: Context, base?: number, inPlace = base === undefined): Promise<void> {
  const { book, log } = context;
  const { interval, replayFrom, applied } = book.current;
  await book.ahead({
    ownObserve: null,
    rebuilding: { base: base ?? interval, inPlace },
  });
  log.info({ replayFrom, applied, inPlace }, "rebuilding");
  await runPlan(context, 0);
}

/**
 * Goes on with a rebuild that was interrupted, at this interval; from its start where the instance has restarted again. An
 * Observe of it may still be running: an empty one is held back by KATO's lock until that is over.
 */
export async function resumeRebuild(context: Context, interval: number): Promise<void> {
  const { book, call } = context;
  const { rebuilding, ownObserve, ...before } = book.current;
  if (!rebuilding) return;
  if (interval < rebuilding.base) return rebuild(context, interval, false);
  const at = (now: number, base: number): Partial<Checkpoint> => ({
    rebuilding: { ...rebuilding, base },
    interval: now,
    offset: before.interval + before.offset - now,
  });
  const isTicked = ownObserve !== null && interval > before.interval;
  const base = rebuilding.base + (isTicked ? 1 : 0);
  if (interval === base) {
    await book.ahead({ ...at(interval, base), ownObserve: null });
    return runPlan(context, 0);
  }
  // The rebuild may have been about to end, and max_sequence_length be set again.
  await insist(call, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  await book.ahead({ ...at(interval, base), ownObserve: { unseen: null } });
  const answer = await ask(call, "Observe", { unique_id: ownUniqueId });
  await book.ahead({ ...at(answer.interval, base + 1), ownObserve: null });
  await runPlan(context, answer.interval - base - 1);
}

/** Carries out the plan but for the Observes that the instance has already. */
async function runPlan(context: Context, done: number): Promise<void> {
  const { book, call, log } = context;
  const startedAt = performance.now();
  const checkpoint = book.current;
  const plan = planRebuild(checkpoint, await observesOf(context));
  const vectors = checkpoint.rebuilding?.inPlace ? [] : await unlearnedVectors(context, plan);
  await restoreGenes(context);
  await insist(call, "StopPredicting", {});
  if (done <= vectors.length) {
    // StartSleeping clears working memory as ClearWorkingMemory does.
    await insist(call, checkpoint.settings.sleeping ? "StartSleeping" : "ClearWorkingMemory", {});
    for (const { request } of vectors.slice(done)) await replay(context, request);
    await insist(call, "ClearWorkingMemory", {});
  }
  await replayEvents(context, plan, Math.max(0, done - vectors.length));
  await restoreSettings(context);
  const { interval } = await insist(call, "Ping", {});
  const { events, difference } = await compare(context, plan, checkpoint.events);
  const degraded = difference || plan.degraded || checkpoint.degraded;
  if (degraded !== checkpoint.degraded) log.error({ degraded }, "the rebuild is not exact");
  await book.ahead({
    rebuilding: null,
    interval,
    offset: checkpoint.interval + checkpoint.offset - interval,
    events,
    degraded,
  });
  const observes = vectors.length + plan.events.length;
  log.info({ observes, done, ms: Math.round(performance.now() - startedAt) }, "rebuilt");
  context.recovered("rebuild", difference ? "different" : "exact");
  context.recovered("replay", "observed", observes - done);
  await leaveIntervalZero(context);
}

/** Looks whether working memory is what the plan should have made it. */
async function compare(
  context: Context,
  plan: RebuildPlan,
  expected: number,
): Promise<{ events: number; difference: string }> {
  try {
    const workingMemory = await workingMemoryOf(context.call);
    return { events: workingMemory.length, difference: differenceOf(plan, expected, workingMemory) };
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return { events: expected, difference: differenceInSize(plan, await symbolCountOf(context.call)) };
  }
}

/** The Observes in the log that a rebuild needs. */
export async function observesOf({ book, readSteps }: Context): Promise<Step[]> {
  const { applied, step, vectorsFrom, replayFrom, notBegun } = book.current;
  const from = { sequence: neededFrom(book.current), step: 0 };
  const observes: Step[] = [];
  for await (const read of readSteps(from, step > 0 ? applied + maxGap : applied)) {
    // Of the command in hand only the steps that were applied.
    if (read.at.sequence > applied && read.at.step >= step) break;
    if (read.method !== "Observe") continue;
    const isNeeded =
      comparePositions(read.at, replayFrom) >= 0 ||
      (vectorsFrom !== null && comparePositions(read.at, vectorsFrom) >= 0);
    const wasBegun = !notBegun.some(
      ({ from, through }) => comparePositions(from, read.at) <= 0 && comparePositions(read.at, through) <= 0,
    );
    if (isNeeded && wasBegun) observes.push(read);
  }
  return observes;
}

/** The command in hand is the first in the log after `applied`; expired ones leave gaps before it. */
const maxGap = Number.MAX_SAFE_INTEGER / 2;

/** Those that GetVector does not know yet: learned again they would count twice. */
async function unlearnedVectors({ call }: Context, plan: RebuildPlan): Promise<RebuildPlan["vectors"]> {
  const unlearned: RebuildPlan["vectors"] = [];
  for (const vector of plan.vectors) {
    const names = vector.symbols.filter((symbol) => symbol.startsWith("VECTOR|"));
    let isLearned = false;
    for (const name of names) {
      const learned: Json = await dataOf(call, "GetVector", { name });
      isLearned ||= JSON.stringify(learned) === JSON.stringify(vector.sum);
    }
    if (!isLearned) unlearned.push(vector);
  }
  return unlearned;
}

/** Predicting goes on for the last Observe with symbols, and stays on: those after it have none. */
async function replayEvents(
  context: Context,
  { events, predictAt }: RebuildPlan,
  from: number,
): Promise<void> {
  const predictFrom = predictAt < 0 ? events.length : Math.max(predictAt, from);
  for (const [index, { request }] of events.entries()) {
    if (index < from) continue;
    if (index === predictFrom) await insist(context.call, "StartPredicting", {});
    await replay(context, request);
  }
}

/** One Observe that had failed may fail again, which is what it did. */
async function replay({ call }: Context, request: Uint8Array): Promise<void> {
  const result = await call("Observe", request);
  if (result.kind === "not-sent" || result.kind === "unseen") throw new Interrupted(result.details);
}

/** Before anything is replayed: it is predicted with them. Only that nothing be learned, max_sequence_length waits. */
export async function restoreGenes({ book, call }: Context): Promise<void> {
  const { genes, searchedThreshold } = book.current.settings;
  if (searchedThreshold !== null) {
    await insist(call, "UpdateGenes", { genes: { recall_threshold: searchedThreshold } });
    // Refused by KATO for a threshold of 0, which then was not searched with either.
    await ask(call, "IncrementRecallThreshold", { value: 0 });
  }
  await insist(call, "UpdateGenes", { genes: { ...genes, max_sequence_length: 0 } });
}

/** What `restoreGenes` has left out: that KATO may learn by itself, and whether it predicts. */
export async function restoreSettings({ book, call }: Context): Promise<void> {
  const { genes, predicting } = book.current.settings;
  const { max_sequence_length = 0 } = genes;
  if (max_sequence_length !== 0) await insist(call, "UpdateGenes", { genes: { max_sequence_length } });
  await insist(call, predicting ? "StartPredicting" : "StopPredicting", {});
}
