import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import { readObservationFields, readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { isAutoLearnDue, observed, observeNotBegun } from "../checkpoint/transitions.ts";
import { readableWorkingMemoryOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import type { Step } from "../model/step.ts";
import { applyLearningObserve } from "./apply-learning-observe.ts";
import { callObserve } from "./call-observe.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { mendForeignTicks, withoutForeign } from "./foreign-ticks.ts";
import { recoverDuringStep } from "./reconcile.ts";
import { mayTakeBack, takeBack } from "./take-back.ts";
import { askLater, mayAskLater, noteVectorSymbols } from "./vector-symbols.ts";
import { latestSymbols, readWorkingMemory } from "./working-memory.ts";

/**
 * Applies an Observe. If the Observe cannot make KATO learn, nothing is persisted before the call, because
 * its tick will prove it (A3). Throws as `applyStep` does.
 */
export async function applyObserve(context: Context, step: Step): Promise<void> {
  const { checkpoint, memory } = context;
  const head = readObservationFields(step.request);
  const before = checkpoint.current;
  if (isAutoLearnDue(before, head.hasSymbols)) {
    await applyLearningObserve(context, step, head);
    // Only now, because questions are asked between its answer and its conclusion. If one is interrupted, its tick is
    // not somebody else's.
    memory.unaccounted = 0;
    return;
  }
  context.begin(step);
  const outcome = await callObserve(context, step);
  memory.latestAnswer = { at: step.at, outcome };
  // KATO could not even read it, so it did not tick.
  if (outcome.grpcStatus !== grpc.OK) {
    memory.unaccounted = 0;
    return concludeStep(context, step, observeNotBegun(before, step), outcome);
  }
  const { failed, interval } = readResponseFields(outcome.data);
  // An Observe always ticks.
  if (interval <= before.interval) return recoverDuringStep(context, interval);
  const foreignTicks = interval - before.interval - 1;
  // Working memory may have an event of somebody else too. Then it tells nothing about the event of this
  // Observe.
  const { events, newest } =
    foreignTicks > 0
      ? { events: before.events + (head.hasSymbols && !failed ? 1 : 0), newest: null }
      : await eventsAfter(context, step, head, failed);
  // Where neither of these is there, a late call of an earlier worker has come beside it.
  const expected = before.events + (head.hasSymbols ? 1 : 0);
  const isOwn = events === expected || (failed && events === before.events);
  if (!isOwn && foreignTicks === 0 && mayTakeBack(context, step)) {
    memory.unaccounted = 0;
    return takeBack(context, step, { interval, events });
  }
  const symbols = head.hasVectors && events > before.events ? newest : null;
  const changes = {
    ...observed(checkpoint.current, step, { head, failed, interval, events, symbols }),
    ...withoutForeign(context, foreignTicks, interval),
  };
  memory.unaccounted = 0;
  await concludeStep(context, step, changes, outcome);
  await mendForeignTicks(context, foreignTicks);
}

/**
 * How many events working memory has after an Observe. `newest` is the latest of them, if KATO was asked for
 * it.
 */
async function eventsAfter(
  context: Context,
  step: Step,
  head: ObservationFields,
  failed: boolean,
): Promise<{ events: number; newest: string[] | null }> {
  const { checkpoint, instance } = context;
  const { events } = checkpoint.current;
  // After a failure nobody can tell what is in working memory, so KATO is asked.
  if (failed) {
    const workingMemory = await readWorkingMemory(context, eventOfStrings(step.request) ?? []);
    if (workingMemory) return { events: workingMemory.length, newest: workingMemory.at(-1) ?? null };
    degrade(context, "working-memory-uncounted", "working memory is too large to be counted");
    return { events, newest: null };
  }
  if (!head.hasVectors) return { events: events + (head.hasSymbols ? 1 : 0), newest: null };
  if (mayAskLater(context)) {
    askLater(context, step.at);
    return { events: events + 1, newest: null };
  }
  const workingMemory = await readableWorkingMemoryOf(instance);
  if (workingMemory) {
    noteVectorSymbols(context, workingMemory, 1);
    return { events: workingMemory.length, newest: workingMemory.at(-1) ?? null };
  }
  // They cannot be asked for any more, so the question is not put after each event from now on.
  context.memory.unaskedVectors = [];
  return { events: events + 1, newest: await latestSymbols(context) };
}
