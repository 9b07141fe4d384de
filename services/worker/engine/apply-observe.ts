import { status as grpc } from "@grpc/grpc-js";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import { readObservationFields, readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { isAutoLearnDue, observed, observeNotBegun } from "../checkpoint/transitions.ts";
import { AnswerTooLarge, workingMemoryOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/events.ts";
import { Interrupted } from "../model/interruptions.ts";
import type { Step } from "../model/step.ts";
import { applyLearningObserve } from "./apply-learning-observe.ts";
import { callObserve } from "./call-observe.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { mendForeignTicks, withoutForeign } from "./foreign-ticks.ts";
import { latestSymbols, readWorkingMemory } from "./working-memory.ts";

/**
 * Applies an Observe. Nothing is persisted ahead of one that cannot make KATO learn: its tick will prove it
 * (A3). Throws as `applyStep` does.
 */
export async function applyObserve(context: Context, step: Step): Promise<void> {
  const { checkpoint, memory } = context;
  const head = readObservationFields(step.request);
  const before = checkpoint.current;
  if (isAutoLearnDue(before, head.hasSymbols)) return applyLearningObserve(context, step, head);
  const outcome = await callObserve(context, step);
  memory.latestAnswer = { at: step.at, outcome };
  // KATO could not even read it, so it did not tick.
  if (outcome.grpcStatus !== grpc.OK) {
    memory.unaccounted = 0;
    return concludeStep(context, step, observeNotBegun(before, step), outcome);
  }
  const { failed, interval } = readResponseFields(outcome.data);
  if (interval < before.interval) throw new Interrupted("the instance has restarted");
  const foreignTicks = interval - before.interval - 1;
  // Where somebody else's event is in working memory too, what is there tells nothing of this one.
  const { events, newest } =
    foreignTicks > 0
      ? { events: before.events + (head.hasSymbols && !failed ? 1 : 0), newest: null }
      : await eventsAfter(context, step, head, failed);
  const symbols = head.hasVectors && events > before.events ? newest : null;
  const changes = {
    ...observed(before, step, { head, failed, interval, events, symbols }),
    ...withoutForeign(context, foreignTicks),
  };
  memory.unaccounted = 0;
  await concludeStep(context, step, changes, outcome);
  await mendForeignTicks(context, foreignTicks);
}

/**
 * How many events working memory holds after an Observe, and the latest of them where that had to be asked.
 */
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
