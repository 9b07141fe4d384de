import { degradedBy } from "../checkpoint/degradation.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import { neededFrom } from "../checkpoint/transitions.ts";
import {
  AnswerTooLarge,
  ask,
  dataOf,
  insist,
  symbolCountOf,
  workingMemoryOf,
} from "../instance/questions.ts";
import { Interrupted } from "../model/interruptions.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";
import { gatewayUniqueId, leaveIntervalZero } from "./gateway-observe.ts";
import type { Deviation, RebuildPlan } from "./rebuild-plan.ts";
import { deviationInSize, deviationOf, planRebuild } from "./rebuild-plan.ts";
import { restoreGenes, restoreModes } from "./restore-settings.ts";

/**
 * Restores what a restart takes from an instance: working memory, emotives, the vectors that wait to be
 * learned, predictions, genes (docs/recovery.md, Rebuilding). Nothing is learned by it. `base` is the
 * interval that it begins at; `inPlace` is for an instance that has not restarted and still has its vectors.
 *
 * It is persisted as under way from before its first call until after its last, so no interval within it is
 * taken for something else (A5).
 */
export async function rebuild(context: Context, base?: number, inPlace = base === undefined): Promise<void> {
  const { checkpoint, log } = context;
  const { interval, replayFrom, applied } = checkpoint.current;
  await checkpoint.persist({ ownObserve: null, rebuilding: { base: base ?? interval, inPlace } });
  log.info({ replayFrom, applied, inPlace }, "rebuilding");
  await carryOut(context, 0);
}

/**
 * Goes on with a rebuild that was interrupted, at this interval, or begins anew where the instance has
 * restarted again. An Observe of the rebuild may still be running: KATO's lock holds an empty one back until
 * that is over.
 */
export async function resumeRebuild(context: Context, interval: number): Promise<void> {
  const { checkpoint, instance } = context;
  const { rebuilding, ownObserve, ...before } = checkpoint.current;
  if (!rebuilding) return;
  if (interval < rebuilding.base) return rebuild(context, interval, false);
  const at = (now: number, base: number): Changes => ({
    rebuilding: { ...rebuilding, base },
    interval: now,
    offset: before.interval + before.offset - now,
  });
  const hasTicked = ownObserve !== null && interval > before.interval;
  const base = rebuilding.base + (hasTicked ? 1 : 0);
  if (interval === base) {
    await checkpoint.persist({ ...at(interval, base), ownObserve: null });
    return carryOut(context, 0);
  }
  // The rebuild may have been about to end, and have set max_sequence_length again.
  await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  await checkpoint.persist({ ...at(interval, base), ownObserve: { unseen: null } });
  const answer = await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  await checkpoint.persist({ ...at(answer.interval, base + 1), ownObserve: null });
  await carryOut(context, answer.interval - base - 1);
}

/**
 * Carries out the plan, less the Observes that the instance has already (`done` of them). Where somebody else
 * has observed meanwhile it is carried out once more from its start.
 */
async function carryOut(context: Context, done: number, isSecond = false): Promise<void> {
  const { checkpoint, instance, recovery, log } = context;
  const startedAt = performance.now();
  const before = checkpoint.current;
  const plan = planRebuild(before, await observesToReplay(context));
  const vectors = before.rebuilding?.inPlace ? [] : await vectorsToLearn(context, plan);
  await restoreGenes(context);
  await insist(instance, "StopPredicting", {});
  if (done <= vectors.length) {
    // StartSleeping clears working memory as ClearWorkingMemory does.
    await insist(instance, before.settings.sleeping ? "StartSleeping" : "ClearWorkingMemory", {});
    for (const { request } of vectors.slice(done)) await observeAgain(context, request);
    await insist(instance, "ClearWorkingMemory", {});
  }
  await observeEvents(context, plan, Math.max(0, done - vectors.length));
  await restoreModes(context);
  const { interval } = await insist(instance, "Ping", {});
  const { events, deviation } = await compare(context, plan, before.events);
  const base = before.rebuilding?.base ?? before.interval;
  const foreignTicks = interval - base - vectors.length - plan.events.length;
  const isDisturbed = foreignTicks > 0 || deviation?.code === "working-memory-differs";
  if (isDisturbed && !isSecond && recovery.mendsForeignCalls) {
    log.warn({ foreignTicks }, "somebody else calls the instance while it is rebuilt: once more");
    const { offset } = checkpoint.current;
    const now = { interval, offset: before.interval + before.offset - interval };
    await checkpoint.persist({
      ...(offset === before.offset && now),
      rebuilding: { base: interval, inPlace: true },
    });
    return carryOut(context, 0, true);
  }
  const found = deviation ?? plan.deviation;
  if (found) log.error({ degraded: found.detail }, "the rebuild is not exact");
  await checkpoint.persist({
    rebuilding: null,
    interval,
    offset: before.interval + before.offset - interval,
    events,
    ...(found && { degradations: degradedBy(before.degradations, found.code, found.detail) }),
  });
  const observes = vectors.length + plan.events.length;
  log.info({ observes, done, ms: Math.round(performance.now() - startedAt) }, "rebuilt");
  context.recovery.count("rebuild", deviation ? "different" : "exact");
  context.recovery.count("replay", "observed", observes - done);
  await leaveIntervalZero(context);
}

/** Predicting goes on for the last Observe with symbols and stays on: those after it have none. */
async function observeEvents(
  context: Context,
  { events, predictAt }: RebuildPlan,
  from: number,
): Promise<void> {
  const predictFrom = predictAt < 0 ? events.length : Math.max(predictAt, from);
  for (const [index, { request }] of events.entries()) {
    if (index < from) continue;
    if (index === predictFrom) await insist(context.instance, "StartPredicting", {});
    await observeAgain(context, request);
  }
}

/** Makes an Observe once more. One that failed the first time may fail again: then the end is as it was. */
async function observeAgain({ instance }: Context, request: Uint8Array): Promise<void> {
  const result = await instance.call("Observe", request);
  if (result.kind === "not-sent" || result.kind === "unseen") throw new Interrupted(result.details);
}

/** Compares working memory with what the plan should have made it. */
async function compare(
  { instance }: Context,
  plan: RebuildPlan,
  expected: number,
): Promise<{ events: number; deviation: Deviation | undefined }> {
  try {
    const workingMemory = await workingMemoryOf(instance);
    return { events: workingMemory.length, deviation: deviationOf(plan, expected, workingMemory) };
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return { events: expected, deviation: deviationInSize(plan, await symbolCountOf(instance)) };
  }
}

/**
 * A sequence that lies behind every command. Commands that expired leave gaps, so the next one's is not
 * known.
 */
const behindAll = Number.MAX_SAFE_INTEGER;

/** The Observes in the log that a rebuild makes again. */
export async function observesToReplay({ checkpoint, history }: Context): Promise<Step[]> {
  const { applied, step, vectorsFrom, replayFrom, notBegun } = checkpoint.current;
  const from = { sequence: neededFrom(checkpoint.current), step: 0 };
  const observes: Step[] = [];
  for await (const read of history.steps(from, step > 0 ? behindAll : applied)) {
    // Of the first command behind `applied` only the steps that were applied.
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

/** The plan's vectors that KATO has not learned yet: learned a second time they would count twice. */
async function vectorsToLearn({ instance }: Context, plan: RebuildPlan): Promise<RebuildPlan["vectors"]> {
  const unlearned: RebuildPlan["vectors"] = [];
  for (const vector of plan.vectors) {
    let isLearned = false;
    for (const name of vector.symbols.filter((symbol) => symbol.startsWith("VECTOR|"))) {
      const learned = await dataOf(instance, "GetVector", { name });
      isLearned ||= JSON.stringify(learned) === JSON.stringify(vector.sum);
    }
    if (!isLearned) unlearned.push(vector);
  }
  return unlearned;
}
