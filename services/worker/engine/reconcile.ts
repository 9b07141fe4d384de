import { status as grpc } from "@grpc/grpc-js";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import { firstMissing } from "../checkpoint/log-gaps.ts";
import { commandSucceeded, observed, ownObserved } from "../checkpoint/transitions.ts";
import { AnswerTooLarge, ask, insist, workingMemoryOf } from "../instance/questions.ts";
import { Interrupted, NotProvable } from "../model/interruptions.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { refused, unknown } from "../model/step-outcome.ts";
import { noteIfCleared } from "./check-suspect.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { mendForeignTicks, mendTicksUpTo, withoutForeign } from "./foreign-ticks.ts";
import { gatewayUniqueId, leaveIntervalZero } from "./gateway-observe.ts";
import { provedOutcome } from "./proved-outcome.ts";
import { rebuild, resumeRebuild } from "./rebuild.ts";
import { clearForReplay } from "./replay.ts";
import { settleMarkedLearn } from "./settle-learn.ts";
import { readWorkingMemory } from "./working-memory.ts";

/** How the instance's interval compares with the one that the checkpoint expects. */
export type Finding = { kind: "in-step" } | { kind: "ahead"; by: number } | { kind: "restarted" };

/**
 * Compares the two intervals. A lower interval is a restart, because no interval stays 0 and none means two
 * things (A5). An interval of 0 is taken for a restart even if 0 is expected.
 */
export function compareInterval(expected: number, seen: number): Finding {
  if (seen === expected && seen > 0) return { kind: "in-step" };
  return seen > expected ? { kind: "ahead", by: seen - expected } : { kind: "restarted" };
}

/**
 * Finds out which steps the instance already has, and restores what it has lost (docs/recovery.md).
 * Afterwards the checkpoint says exactly what the instance has, and nothing is under way in the instance. If
 * an intent record is left, it makes a repeat safe. Throws Interrupted if the instance goes away meanwhile.
 * Then it has to be done again.
 */
export async function reconcile(context: Context, interval: number): Promise<void> {
  const { checkpoint, log } = context;
  // A write that failed earlier may be one that is needed before any call.
  await checkpoint.flush();
  const { mark, rebuilding, replaying, interval: expected } = checkpoint.current;
  if (replaying && !replaying.isCleared) return clearForReplay(context);
  if (rebuilding && mark?.kind !== "learn") return resumeRebuild(context, interval);
  const finding = rebuilding ? ({ kind: "restarted" } as const) : compareInterval(expected, interval);
  context.recovery.count("reconcile", finding.kind);
  if (finding.kind === "restarted") {
    if (expected > 0) log.warn({ interval, expected }, "the instance has restarted");
    return recoverFromRestart(context, interval);
  }
  await passWhatItHas(context, finding.kind === "ahead" ? finding.by : 0, interval);
  await leaveIntervalZero(context);
}

async function recoverFromRestart(context: Context, interval: number): Promise<void> {
  const { memory, instance, checkpoint } = context;
  const isSettled = checkpoint.current.mark?.kind === "learn";
  await settleMarkedLearn(context, { interval, restarted: true, ticked: false, isOver: false });
  if (memory.learned === "there") memory.learned = "in-doubt";
  if (memory.suspect?.method === "ClearAllMemory") {
    await noteIfCleared(context);
    memory.suspect = null;
  }
  // Settling may have moved the interval. A tick of somebody else's is noticed by the rebuild.
  const base = isSettled ? (await insist(instance, "Ping", {})).interval : interval;
  return rebuild(context, base, false);
}

/**
 * Recovers from a restart that the answer to an Observe has shown, as it can behind a proxy, where the
 * connection stands. The instance's interval may by now be the expected one again, so comparing them would
 * not show the restart. Throws Interrupted afterwards: then the step is tried again.
 */
export async function recoverDuringStep(context: Context, interval: number): Promise<never> {
  await recoverFromRestart(context, interval);
  throw new Interrupted("the instance has restarted");
}

/**
 * Passes the steps that the instance already has. `by` is how far its interval is ahead of the checkpoint's.
 */
async function passWhatItHas(context: Context, by: number, interval: number): Promise<void> {
  const { checkpoint, memory } = context;
  const { mark, ownObserve } = checkpoint.current;
  if (ownObserve && !ownObserve.unseen) {
    await checkpoint.persist(by > 0 ? ownObserved(checkpoint.current, interval) : { ownObserve: null });
    await mendForeignTicks(context, Math.max(0, by - 1));
  } else if (by > 0) {
    const ownTicks = ownObserve && by > 1 ? 1 : 0;
    const ofTheLog = Math.min(by - ownTicks, memory.unaccounted);
    await mendTicksUpTo(context, await passObserves(context, ofTheLog, ownTicks, interval));
  } else if (mark?.kind === "learn") {
    await settleMarkedLearn(context, { interval, restarted: false, ticked: false, isOver: false });
  }
}

/**
 * Passes the next `by` Observes of the log, and every step before the last of them. The interval shows that
 * these Observes have ticked, so all these steps were applied. All but the last Observe have succeeded,
 * because a failure would have been persisted before anything else was called. Resolves to the instance's
 * interval afterwards.
 */
async function passObserves(
  context: Context,
  by: number,
  ownTicks: number,
  interval: number,
): Promise<number> {
  if (by === 0) return interval;
  let latestInterval = interval;
  const { checkpoint, instance, log } = context;
  const { steps, foreignTicks } = await nextObserves(context, by);
  checkComplete(context, steps);
  log.info({ observes: by - foreignTicks, steps: steps.length }, "reconciled: the instance has them already");
  const workingMemory = await workingMemoryOf(instance).catch((error) => {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return [];
  });
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1 && foreignTicks === 0;
    const { mark } = checkpoint.current;
    const isMarked = mark !== null && comparePositions(mark.at, step.at) === 0;
    if (isMarked && mark.kind === "learn" && mark.isObserve) {
      await settleMarkedLearn(context, { interval, restarted: false, ticked: true, isOver: !isLast });
    } else if (step.method !== "Observe") {
      await concludeStep(
        context,
        step,
        commandSucceeded(checkpoint.current, step),
        provedOutcome(context, step),
      );
    } else if (isLast) {
      latestInterval = await concludeLatest(context, step, ownTicks, interval);
    } else {
      await concludeFollowed(context, step, workingMemory);
    }
  }
  return latestInterval;
}

/**
 * The next steps of the log that the checkpoint does not have, up to the `count`th Observe. `foreignTicks` is
 * `count` less the number of Observes that the log has.
 */
async function nextObserves(
  { checkpoint, history }: Context,
  count: number,
): Promise<{ steps: Step[]; foreignTicks: number }> {
  const { applied, step: done } = checkpoint.current;
  let left = count;
  const steps: Step[] = [];
  for await (const step of history.steps({ sequence: applied + 1, step: 0 }, Number.MAX_SAFE_INTEGER)) {
    if (done > 0 && steps.length === 0 && step.at.step < done) continue;
    steps.push(step);
    if (step.method === "Observe" && --left === 0) break;
  }
  const last = steps.findLastIndex(({ method }) => method === "Observe");
  return { steps: steps.slice(0, last + 1), foreignTicks: left };
}

/**
 * Checks that no command is missing before or between these steps. If one is, nobody knows which Observes have
 * ticked: it may have been one of them. Commands that were taken out of the log were not begun.
 */
function checkComplete({ checkpoint }: Context, steps: readonly Step[]): void {
  let expected = checkpoint.current.applied + 1;
  for (const { at } of steps) {
    // In what is replayed there are gaps: what was taken out of the log when it was first applied.
    if (isReplayed(checkpoint.current, at.sequence)) expected = at.sequence;
    const missing = firstMissing(checkpoint.current, expected, at.sequence);
    if (missing < at.sequence) {
      const which = `command ${missing} is lost from the log`;
      throw new NotProvable(`${which}, and nobody knows whether the instance has it`);
    }
    expected = at.sequence + 1;
  }
}

/** Concludes an Observe that another Observe has followed. So it has succeeded. */
async function concludeFollowed(context: Context, step: Step, workingMemory: string[][]): Promise<void> {
  const { current } = context.checkpoint;
  const head = readObservationFields(step.request);
  const symbols = head.hasVectors ? (workingMemory[current.events] ?? null) : null;
  const events = current.events + (head.hasSymbols ? 1 : 0);
  const seen = { head, failed: false, interval: current.interval + 1, events, symbols };
  await concludeStep(context, step, observed(current, step, seen), provedOutcome(context, step));
}

/**
 * Concludes the Observe that ticked last and whose end was not seen. It may still be running, and it may have
 * failed. So an empty Observe is made first: KATO's lock holds it back until the other one is over. The empty
 * Observe cannot make KATO learn by itself. It could only if the other one could too. Then that one would be
 * marked, and `settleMarkedLearn` would conclude it. Then working memory shows whether the event is there. If
 * another one is there, the tick was not that of this Observe, which is then still to be applied.
 *
 * `ownTicks` is 1 if an earlier empty Observe has ticked, else 0. That one may still be running, because its end
 * was not seen either. It would make KATO learn if a next command lowered max_sequence_length meanwhile. So
 * another one is made behind it. `interval` is the instance's interval. Resolves to its interval afterwards.
 */
async function concludeLatest(
  context: Context,
  step: Step,
  ownTicks: number,
  interval: number,
): Promise<number> {
  const { checkpoint, instance, memory } = context;
  const { latestAnswer } = memory;
  const isAnswered = latestAnswer !== null && comparePositions(latestAnswer.at, step.at) === 0;
  const answer = isAnswered ? latestAnswer.outcome : undefined;
  const head = readObservationFields(step.request);
  let ticks = ownTicks;
  let latestInterval = interval;
  if (!answer) {
    // The tick of the earlier one is counted before there can be another one.
    const { interval: counted, offset } = checkpoint.current;
    const earlier = { interval: counted + ownTicks, offset: offset - ownTicks };
    await checkpoint.persist({ ...earlier, ownObserve: { unseen: step.at } });
    latestInterval = (await ask(instance, "Observe", { unique_id: gatewayUniqueId })).interval;
    ticks = 1;
  }
  const { current } = checkpoint;
  const workingMemory = await readWorkingMemory(context, eventOfStrings(step.request) ?? []);
  const events = workingMemory?.length ?? current.events + (head.hasSymbols ? 1 : 0);
  const hasEvent = events > current.events;
  if (hasEvent && isAnotherEvent(step, workingMemory?.at(-1))) {
    const { offset } = withoutForeign(context, 1);
    const ticked = current.interval + 1 + ticks;
    checkpoint.update({ interval: ticked, ownObserve: null, offset: offset - ticks });
    await mendForeignTicks(context, 1);
    return checkpoint.current.interval;
  }
  const failed = answer ? answer.outcome === "failed" : head.hasSymbols && !hasEvent;
  const symbols = head.hasVectors && hasEvent ? (workingMemory?.at(-1) ?? null) : null;
  const seen = { head, failed, interval: current.interval + 1 + ticks, events, symbols };
  const changes = { ...observed(current, step, seen), ownObserve: null, offset: current.offset - ticks };
  let outcome = failed ? refused(grpc.OK, "") : provedOutcome(context, step);
  if (!workingMemory) outcome = unknown("working memory is too large to see whether it succeeded");
  await concludeStep(context, step, changes, answer ?? outcome);
  if (ticks > 0) await checkpoint.flush();
  return latestInterval;
}

/** Whether this is not the event that an Observe makes. Of one with vectors nobody knows what it makes. */
function isAnotherEvent(step: Step, event: string[] | undefined): boolean {
  if (event === undefined || readObservationFields(step.request).hasVectors) return false;
  return JSON.stringify(event) !== JSON.stringify(eventOfStrings(step.request));
}
