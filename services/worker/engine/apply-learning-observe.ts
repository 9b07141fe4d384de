import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { autoLearned, observed, observeNotBegun } from "../checkpoint/transitions.ts";
import { frequencyOf, latestSymbolsOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { askBefore } from "./call-in-step.ts";
import { callObserve } from "./call-observe.ts";
import { concludeFailedAutoLearn } from "./conclude-failed-auto-learn.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { mendForeignTicks, withoutForeign } from "./foreign-ticks.ts";
import { learnIntent } from "./learn-intent.ts";
import { recoverDuringStep } from "./reconcile.ts";
import { untouchedWorkingMemory } from "./untouched.ts";
import { readWorkingMemory } from "./working-memory.ts";

/**
 * Applies an Observe that will make KATO learn by itself (docs/kato.md: max_sequence_length). The answer does
 * not say whether it did.
 */
export async function applyLearningObserve(
  context: Context,
  step: Step,
  head: ObservationFields,
): Promise<void> {
  const { checkpoint } = context;
  const asked = await askBefore(context, step, async () => {
    const before = readable(await untouchedWorkingMemory(context));
    return { before, mark: await learnIntent(context, step, before, true) };
  });
  if (!asked) return;
  const { before, mark } = asked;
  await checkpoint.persist({ mark });
  const outcome = await callObserve(context, step);
  if (outcome.grpcStatus !== grpc.OK) {
    return concludeStep(context, step, observeNotBegun(checkpoint.current, step), outcome);
  }
  const { failed, interval } = readResponseFields(outcome.data);
  // An Observe always ticks.
  if (interval <= checkpoint.current.interval) return recoverDuringStep(context, interval);
  const foreignTicks = interval - checkpoint.current.interval - 1;
  const after = readable(await readWorkingMemory(context, eventOfStrings(step.request) ?? []));
  if (foreignTicks > 0) {
    return concludeAmongOthers(context, step, { head, interval, failed }, outcome);
  }
  if (!failed) {
    const newEvent = head.hasSymbols ? await newEventOf(context, step, before, after) : [];
    const autoLearnedModel = modelName(head.hasSymbols ? [...before, newEvent] : before);
    const changes = autoLearned(checkpoint.current, step, { head, interval, kept: after });
    return concludeStep(context, step, changes, { ...outcome, autoLearnedModel });
  }
  if (after.length >= before.length && after.length + before.length > 0) {
    // It failed before it began to learn.
    const symbols = head.hasVectors && after.length > before.length ? (after.at(-1) ?? null) : null;
    const seen = { head, failed, interval, events: after.length, symbols };
    return concludeStep(context, step, observed(checkpoint.current, step, seen), outcome);
  }
  // It failed when KATO learned. If there was no event before, it may also have failed before it made one.
  await concludeFailedAutoLearn(context, step, interval, outcome);
}

/**
 * Concludes an Observe that made KATO learn while somebody else observed too. So KATO may have learned
 * another sequence than the log has. The model that should have been learned shows whether it did.
 */
async function concludeAmongOthers(
  context: Context,
  step: Step,
  { head, interval, failed }: { head: ObservationFields; interval: number; failed: boolean },
  outcome: StepOutcome,
): Promise<void> {
  const { checkpoint, instance } = context;
  const { mark, interval: before } = checkpoint.current;
  const foreignTicks = interval - before - 1;
  const isLearned =
    mark?.kind === "learn" && (await frequencyOf(instance, mark.model)) > mark.frequency && !failed;
  if (!isLearned) {
    const detail =
      "somebody else observed while KATO learned by itself: it may have learned another sequence";
    degrade(context, "foreign-learn", detail);
  }
  const event = eventOfStrings(step.request) ?? [];
  const kept = mark?.kind === "learn" && mark.before.length > 0 && event.length > 0 ? [event] : [];
  const changes = {
    ...autoLearned(checkpoint.current, step, { head, interval, kept }),
    ...withoutForeign(context, foreignTicks, interval),
  };
  const autoLearnedModel = mark?.kind === "learn" ? mark.model : "";
  await concludeStep(context, step, changes, { ...outcome, autoLearnedModel });
  await mendForeignTicks(context, foreignTicks);
}

/** The symbols of the event that this Observe made. KATO has learned that event by now. */
async function newEventOf(
  { instance }: Context,
  step: Step,
  before: string[][],
  after: string[][],
): Promise<string[]> {
  // If there were two or more events, KATO keeps the last one. A single event is gone, but cognition data
  // still has its symbols.
  const kept = before.length > 0 ? after.at(-1) : undefined;
  return kept ?? eventOfStrings(step.request) ?? (await latestSymbolsOf(instance));
}

/**
 * Throws if working memory cannot be read. Nobody could know what KATO learns then, so no outcome could be
 * told (A7).
 */
function readable(workingMemory: string[][] | undefined): string[][] {
  if (workingMemory) return workingMemory;
  throw new Error("working memory is too large to be read, and not what the log says");
}
