import { degradedBy } from "../checkpoint/degradation.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import { neededFrom } from "../checkpoint/transitions.ts";
import { ask, dataOf, insist, readableWorkingMemoryOf, symbolCountOf } from "../instance/questions.ts";
import { Interrupted } from "../model/interruptions.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";
import { gatewayUniqueId, leaveIntervalZero } from "./gateway-observe.ts";
import type { Deviation, RebuildPlan } from "./rebuild-plan.ts";
import { deviationInSize, deviationOf, planRebuild } from "./rebuild-plan.ts";
import { restoreGenes, restoreModes } from "./restore-settings.ts";
import { noteVectorSymbols } from "./vector-symbols.ts";

/**
 * Restores what a restart takes from an instance: working memory, emotives, the vectors that wait to be
 * learned, predictions, genes (docs/recovery.md, Rebuilding). Nothing is learned by it. `base` is the
 * interval at which it begins. With `inPlace` the instance has not restarted, and still has its vectors.
 *
 * From before its first call until after its last the checkpoint says that a rebuild is under way. So no
 * interval in between is mistaken for one that commands have made (A5).
 */
export async function rebuild(context: Context, base?: number, inPlace = base === undefined): Promise<void> {
  const { checkpoint, log } = context;
  const { interval, replayFrom, applied } = checkpoint.current;
  await checkpoint.persist({ ownObserve: null, rebuilding: { base: base ?? interval, inPlace } });
  log.info({ replayFrom, applied, inPlace }, "rebuilding");
  await carryOut(context, 0);
}

/**
 * Goes on with a rebuild that was interrupted. `interval` is the instance's interval now. If the instance has
 * restarted again, the rebuild begins anew. An Observe of the rebuild may still be running. So an empty
 * Observe is made: KATO's lock holds it back until the other one is over.
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
  // If the rebuild was nearly over, it may have set max_sequence_length again already.
  await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  await checkpoint.persist({ ...at(interval, base), ownObserve: { unseen: null } });
  const answer = await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  await checkpoint.persist({ ...at(answer.interval, base + 1), ownObserve: null });
  await carryOut(context, answer.interval - base - 1);
}

/**
 * Carries out the plan without its first `done` Observes, which the instance has already. If somebody else
 * has observed meanwhile, the plan is carried out once more from its start.
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
    // StartSleeping clears working memory too.
    await insist(instance, before.settings.sleeping ? "StartSleeping" : "ClearWorkingMemory", {});
    for (const { request } of vectors.slice(done)) await observeAgain(context, request);
    if (vectors.length > 0) await insist(instance, "ClearWorkingMemory", {});
  }
  await observeEvents(context, plan, Math.max(0, done - vectors.length));
  await restoreModes(context);
  const { interval } = await insist(instance, "Ping", {});
  const { events, deviation } = await compare(context, plan, before.events);
  const base = before.rebuilding?.base ?? before.interval;
  const foreignTicks = interval - base - vectors.length - plan.events.length;
  const isDisturbed = foreignTicks > 0 || deviation?.code === "working-memory-differs";
  if (isDisturbed && !isSecond && recovery.mendsForeignCalls) {
    const why =
      foreignTicks > 0 ? "somebody else calls the instance" : "working memory is not as it should be";
    log.warn({ foreignTicks }, `${why} while it is rebuilt: once more`);
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

/**
 * Makes the Observes of events from the index `from` on. Predicting is switched on before the last Observe
 * with symbols and stays on. The Observes after it have no symbols, so they do not predict.
 */
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

/**
 * Makes an Observe once more. If it failed the first time, it may fail again. Then the result is as it was.
 */
async function observeAgain({ instance }: Context, request: Uint8Array): Promise<void> {
  const result = await instance.call("Observe", request);
  if (result.kind === "not-sent" || result.kind === "unseen") throw new Interrupted(result.details);
}

/** Compares working memory with what the plan should have made it. */
async function compare(
  context: Context,
  plan: RebuildPlan,
  expected: number,
): Promise<{ events: number; deviation: Deviation | undefined }> {
  const { instance } = context;
  const workingMemory = await readableWorkingMemoryOf(instance);
  if (!workingMemory) {
    return { events: expected, deviation: deviationInSize(plan, await symbolCountOf(instance)) };
  }
  noteVectorSymbols(context, workingMemory);
  return { events: workingMemory.length, deviation: deviationOf(plan, expected, workingMemory) };
}

/**
 * A sequence that is higher than that of every command. Expired commands leave gaps in the log, so the
 * sequence of the next command is not known.
 */
const behindAll = Number.MAX_SAFE_INTEGER;

/** The Observes in the log that a rebuild makes again. */
export async function observesToReplay({ checkpoint, history }: Context): Promise<Step[]> {
  const { applied, step, vectorsFrom, replayFrom, notBegun } = checkpoint.current;
  const from = { sequence: neededFrom(checkpoint.current), step: 0 };
  const observes: Step[] = [];
  for await (const read of history.steps(from, step > 0 ? behindAll : applied)) {
    // Of the first command after `applied`, only the steps that were applied are needed.
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

/**
 * The vectors of the plan that KATO has not learned yet. A vector that is learned a second time would count
 * twice.
 */
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
