import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import { commandSucceeded, observed } from "../checkpoint/transitions.ts";
import { ask, frequencyOf, readableWorkingMemoryOf } from "../instance/questions.ts";
import type { LearnIntent } from "../model/intent.ts";
import { intentAt, unreadableFrequency } from "../model/intent.ts";
import { canMake, eventOfStrings } from "../model/memory-events.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { refused, unknown } from "../model/step-outcome.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { gatewayUniqueId } from "./gateway-observe.ts";
import { checkComplete, nextObserves } from "./next-observes.ts";
import { provedOutcome } from "./proved-outcome.ts";
import { settleMarkedLearn } from "./settle-learn.ts";
import { mayTakeBack, noteBegun, takeBack } from "./take-back.ts";
import { expectedEvents, latestSymbols, readWorkingMemory } from "./working-memory.ts";

/**
 * Passes the next `by` Observes of the log, and every step before the last of them. The interval shows that
 * these Observes have ticked, so all these steps were applied. All but the last Observe have succeeded,
 * because a failure would have been persisted before anything else was called. So their events are in working
 * memory. If one is not, the ticks from there on are not those of the log. Nor are they behind a Learn that has not
 * learned. Resolves to the instance's interval afterwards.
 */
export async function passObserves(
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
  const workingMemory = await readableWorkingMemoryOf(instance);
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1 && foreignTicks === 0;
    const intent = intentAt(checkpoint.current.mark, step.at);
    if (intent?.kind === "learn" && intent.isObserve) {
      await settleMarkedLearn(context, { interval, restarted: false, ticked: true, isOver: !isLast });
    } else if (step.method !== "Observe") {
      if (intent?.kind === "learn" && !(await mayBeLearned(context, intent))) return latestInterval;
      await concludeStep(
        context,
        step,
        commandSucceeded(checkpoint.current, step),
        provedOutcome(context, step),
      );
    } else if (isLast) {
      if (ownTicks === 0 && (await isOfSomebodyElse(context, step, workingMemory))) {
        noteBegun(context, step.at);
        return latestInterval;
      }
      latestInterval = await concludeLatest(context, step, ownTicks, interval);
    } else {
      if (isMissing(context, step, workingMemory)) {
        noteBegun(context, steps.at(-1)?.at ?? step.at);
        return latestInterval;
      }
      await concludeFollowed(context, step, workingMemory);
    }
  }
  return latestInterval;
}

/**
 * Whether a Learn that an Observe seems to have followed may have learned. If it has not, the tick was not that of
 * the Observe behind it.
 */
async function mayBeLearned({ instance }: Context, intent: LearnIntent): Promise<boolean> {
  const { model, frequency } = intent;
  if (model === "" || frequency === unreadableFrequency) return true;
  return (await frequencyOf(instance, model)) > frequency;
}

/** Concludes an Observe that another Observe has followed. So it has succeeded. */
async function concludeFollowed(
  context: Context,
  step: Step,
  workingMemory: string[][] | undefined,
): Promise<void> {
  const { current } = context.checkpoint;
  const head = readObservationFields(step.request);
  const symbols = head.hasVectors ? (workingMemory?.[current.events] ?? null) : null;
  const events = current.events + (head.hasSymbols ? 1 : 0);
  const seen = { head, failed: false, interval: current.interval + 1, events, symbols };
  await concludeStep(context, step, observed(current, step, seen), provedOutcome(context, step));
}

/**
 * Concludes the Observe that ticked last and whose end was not seen. It may still be running, and it may have
 * failed. So an empty Observe is made first: KATO's lock holds it back until the other one is over. The empty
 * Observe cannot make KATO learn by itself. It could only if the other one could too. Then that one would be
 * marked, and `settleMarkedLearn` would conclude it. Then working memory shows whether the event is there. If
 * another one is there, the tick was not that of this Observe, which is then still to be applied. If a late clear
 * may have taken it, the Observe is taken back.
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
  const expected = current.events + (head.hasSymbols ? 1 : 0);
  // An event behind the expected ones is somebody else's, whose tick is noticed.
  const events = Math.min(workingMemory?.length ?? expected, expected);
  const hasEvent = events > current.events;
  const newest = hasEvent ? workingMemory?.[current.events] : undefined;
  if (newest && isAnotherEvent(step, newest)) {
    const own = { interval: current.interval + ticks, offset: current.offset - ticks };
    checkpoint.update({ ...own, ownObserve: null });
    return latestInterval;
  }
  if (isCleared(context, { hasSymbols: head.hasSymbols, answer }, events) && mayTakeBack(context, step)) {
    await takeBack(context, step, { interval: latestInterval, events });
    return checkpoint.current.interval;
  }
  const failed = answer ? answer.outcome === "failed" : head.hasSymbols && !hasEvent;
  const symbols = head.hasVectors ? (newest ?? null) : null;
  const seen = { head, failed, interval: current.interval + 1 + ticks, events, symbols };
  const changes = { ...observed(current, step, seen), ownObserve: null, offset: current.offset - ticks };
  let outcome = failed ? refused(grpc.OK, "") : provedOutcome(context, step);
  if (!workingMemory) outcome = unknown("working memory is too large to see whether it succeeded");
  await concludeStep(context, step, changes, answer ?? outcome);
  if (ticks > 0) await checkpoint.flush();
  return latestInterval;
}

/**
 * Whether working memory lacks the event that the next Observe makes. It is not looked for where working memory is
 * too large to be read, where the instance sleeps, and where events of somebody else are left between those of the
 * log (FOREIGN_OBSERVES=leave).
 */
function isMissing(
  { checkpoint, recovery }: Context,
  step: Step,
  workingMemory: string[][] | undefined,
): boolean {
  const { events, settings } = checkpoint.current;
  if (!workingMemory || settings.sleeping || !recovery.mendsForeignCalls) return false;
  if (!readObservationFields(step.request).hasSymbols) return false;
  return workingMemory.length <= events || isAnotherEvent(step, workingMemory[events]);
}

/**
 * Whether the tick was that of an Observe which the log does not have, though working memory has no event of it: somebody
 * has it learned or cleared since. KATO still tells the symbols of the latest Observe after a Learn. They may be those
 * of the Observe before this one, as long as this one is running.
 */
async function isOfSomebodyElse(
  context: Context,
  step: Step,
  workingMemory: string[][] | undefined,
): Promise<boolean> {
  const { current } = context.checkpoint;
  if (!workingMemory || workingMemory.length >= current.events) return false;
  if (!context.recovery.mendsForeignCalls) return false;
  const symbols = await latestSymbols(context);
  if (!symbols || symbols.length === 0 || !isAnotherEvent(step, symbols)) return false;
  const expected = await expectedEvents(context);
  return JSON.stringify(symbols) !== JSON.stringify(expected.at(-1));
}

/** Whether this is not the event that an Observe makes. */
function isAnotherEvent({ request }: Step, event: string[] | undefined): boolean {
  return event !== undefined && !canMake(request, event);
}

/**
 * Whether a late clear of an earlier worker may have taken the event of an Observe that has ticked, or an event
 * before it. If nothing but this one event is missing, the Observe may as well have failed. That is what an answer
 * says, and it is taken for that by a worker that has made the call itself and suspects nobody.
 */
function isCleared(
  { checkpoint, memory }: Context,
  { hasSymbols, answer }: { hasSymbols: boolean; answer: StepOutcome | undefined },
  events: number,
): boolean {
  const missing = checkpoint.current.events + (hasSymbols ? 1 : 0) - events;
  if (missing !== 1 || !hasSymbols) return missing > 0;
  if (answer) return answer.outcome === "applied";
  return memory.unaccounted === Number.POSITIVE_INFINITY || memory.suspect !== null;
}
