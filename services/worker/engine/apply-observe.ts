import { status as grpc } from "@grpc/grpc-js";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import { readObservationFields, readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { isAutoLearnDue, observed, observeNotBegun } from "../checkpoint/transitions.ts";
import { AnswerTooLarge, workingMemoryOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/events.ts";
import type { Step } from "../model/step.ts";
import { outcomeOf } from "../model/step-outcome.ts";
import { applyLearningObserve } from "./apply-learning-observe.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { reportForeignTicks } from "./gateway-observe.ts";
import { recoverDuringStep } from "./reconcile.ts";
import { latestSymbols, readWorkingMemory } from "./working-memory.ts";

/**
 * Applies an Observe. Nothing is persisted ahead of one that cannot make KATO learn: its tick will prove it (A3). Throws as
 * `applyStep` does.
 */
export async function applyObserve(context: Context, step: Step): Promise<void> {
  const { checkpoint, instance } = context;
  const head = readObservationFields(step.request);
  const before = checkpoint.current;
  if (isAutoLearnDue(before, head.hasSymbols)) return applyLearningObserve(context, step, head);
  const outcome = outcomeOf(await instance.call("Observe", step.request));
  context.latestAnswer = { at: step.at, outcome };
  // KATO could not even read it, so it did not tick.
  if (outcome.grpcStatus !== grpc.OK) {
    return concludeStep(context, step, observeNotBegun(before, step), outcome);
  }
  const { failed, interval } = readResponseFields(outcome.data);
  // An Observe always ticks.
  if (interval <= before.interval) return recoverDuringStep(context, interval);
  reportForeignTicks(context, interval - before.interval - 1);
  const { events, newest } = await eventsAfter(context, step, head, failed);
  const symbols = head.hasVectors && events > before.events ? newest : null;
  const changes = observed(before, step, { head, failed, interval, events, symbols });
  await concludeStep(context, step, changes, outcome);
}

/** How many events working memory holds after an Observe, and the latest of them where that had to be asked. */
async function eventsAfter(
  context: Context,
  step: Step,
  head: ObservationFields,
  failed: boolean,
): Promise<{ events: number; newest: string[] | null }> {
  const { checkpoint, instance } = context;
  const { events } = checkpoint.current;
  // What a failure has left in working memory is asked, never guessed.
  if (failed) {
    const workingMemory = await readWorkingMemory(context, eventOfStrings(step.request) ?? []);
    if (workingMemory) return { events: workingMemory.length, newest: workingMemory.at(-1) ?? null };
    const { degradations } = checkpoint.current;
    const detail = "working memory is too large to be counted";
    checkpoint.update({ degradations: degradedBy(degradations, "working-memory-uncounted", detail) });
    return { events, newest: null };
  }
  if (!head.hasVectors) return { events: events + (head.hasSymbols ? 1 : 0), newest: null };
  try {
    const workingMemory = await workingMemoryOf(instance);
    return { events: workingMemory.length, newest: workingMemory.at(-1) ?? null };
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return { events: events + 1, newest: await latestSymbols(context) };
  }
}
