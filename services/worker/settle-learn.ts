import { readObservationHead } from "../../libs/kato/heads.ts";
import { ask, frequencyOf, insist, workingMemoryOf } from "./call.ts";
import type { Context, OnProved } from "./context.ts";
import { askAgainMs } from "./context.ts";
import { autoLearned, commanded, emptied, observed } from "./effects.ts";
import { dropLostEvents } from "./lost-events.ts";
import type { LearnMark } from "./mark.ts";
import { comparePositions } from "./position.ts";
import { proved } from "./proved.ts";
import { rebuild } from "./rebuild.ts";
import type { Result } from "./result.ts";
import { refused, unknown } from "./result.ts";
import type { LearnVerdict } from "./settle.ts";
import { settleLearn } from "./settle.ts";
import type { Step } from "./step.ts";

interface Situation {
  /** The instance's interval now. */
  interval: number;
  restarted: boolean;
  /** Whether the marked Observe has ticked. */
  ticked: boolean;
}

/**
 * Finds out whether a marked Learn, or an Observe that sets off an auto-learn, took effect, and takes it into the checkpoint;
 * where it did not, the mark goes and the step will be applied again.
 */
export async function settleMarkedLearn(
  context: Context,
  situation: Situation,
  onProved: OnProved,
): Promise<void> {
  const { book, log } = context;
  const { mark } = book.current;
  if (mark?.kind !== "learn") return;
  const step = await markedStep(context, mark);
  const { verdict, workingMemory } = await judge(context, mark, situation);
  log.info({ sequence: mark.at.sequence, model: mark.model, verdict }, "settled a Learn");
  switch (verdict) {
    case "learned":
    case "nothing-to-learn":
      return onProved(step, takeLearned(context, step, mark, situation, workingMemory));
    case "not-begun":
      book.note({ mark: null });
      return;
    case "lost":
      return settleLost(context, step, mark, situation, workingMemory, onProved);
    default:
      book.note({
        ...(situation.restarted
          ? { ...emptied(step), interval: book.current.interval + 1, vectorsFrom: null, vectorEvents: [] }
          : autoLearned(book.current, step, {
              head: readObservationHead(step.request),
              interval: book.current.interval + 1,
              kept: workingMemory,
            })),
        degraded: "an auto-learn of vectors was interrupted: whether it was learned is not known",
      });
      return onProved(step, unknown("whether it was learned cannot be proved"));
  }
}

/** Asks until there is a verdict that stands. */
async function judge(
  context: Context,
  mark: LearnMark,
  { restarted, ticked }: Situation,
): Promise<{ verdict: Exclude<LearnVerdict, "may-be-at-it" | "perhaps-torn">; workingMemory: string[][] }> {
  const { call, pause, callTimeoutMs } = context;
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    const frequency = await frequencyOf(call, mark.model);
    const workingMemory = restarted ? [] : await workingMemoryOf(call);
    const verdict = settleLearn(mark, { restarted, ticked, frequency, events: workingMemory.length });
    if (verdict === "perhaps-torn") {
      return { verdict: (await isTorn(context, mark)) ? "not-begun" : "learned", workingMemory };
    }
    const isUnfinished = verdict === "learned" && !restarted && workingMemory.length > keptOf(mark).length;
    if (verdict !== "may-be-at-it" && !isUnfinished) return { verdict, workingMemory };
    if (waitedMs >= callTimeoutMs) return { verdict: isUnfinished ? "learned" : "lost", workingMemory };
    await pause(askAgainMs);
  }
}

/**
 * KATO writes a model before its symbols and totals. One that died between leaves a model that every later Observe which matches
 * it fails on, for ever: the marked events are observed to see, and a torn model is deleted, so the Learn was not applied.
 */
async function isTorn(context: Context, mark: LearnMark): Promise<boolean> {
  const { book, call, log } = context;
  const { interval: base } = await insist(call, "Ping", {});
  await book.ahead({ rebuilding: { base, inPlace: false } });
  await insist(call, "UpdateGenes", { genes: { max_sequence_length: 0 } });
  await insist(call, "StopPredicting", {});
  await insist(call, "ClearWorkingMemory", {});
  let torn = false;
  const events = mark.events ?? [];
  for (const [index, strings] of events.entries()) {
    if (index === events.length - 1) await insist(call, "StartPredicting", {});
    const { status } = await ask(call, "Observe", { strings, unique_id: "kato-gateway" });
    torn ||= status === "FAILED";
  }
  await insist(call, "ClearWorkingMemory", {});
  if (!torn) return false;
  await ask(call, "DeleteModel", { name: mark.model });
  const degraded = "a Learn was torn by a crash: symbol statistics may be a little off";
  log.warn({ model: mark.model }, degraded);
  book.note({ degraded });
  return true;
}

function takeLearned(
  { book, ...context }: Context,
  step: Step,
  mark: LearnMark,
  { restarted }: Situation,
  workingMemory: string[][],
): Result {
  if (!mark.isObserve) {
    book.note(commanded(book.current, step));
    return proved({ book, ...context }, step, mark.model || "None");
  }
  const kept = restarted ? keptOf(mark) : workingMemory;
  const interval = book.current.interval + 1;
  book.note(autoLearned(book.current, step, { head: readObservationHead(step.request), interval, kept }));
  return { ...proved({ book, ...context }, step), autoLearnedModel: mark.model };
}

/** What working memory holds after the marked Learn. */
function keptOf({ isObserve, events }: LearnMark): string[][] {
  return isObserve && events !== null && events.length > 1 ? events.slice(-1) : [];
}

/** The call limit has passed, and nothing was learned. */
async function settleLost(
  context: Context,
  step: Step,
  mark: LearnMark,
  { interval }: Situation,
  workingMemory: string[][],
  onProved: OnProved,
): Promise<void> {
  const { book, log } = context;
  if (!mark.isObserve) {
    // The events are gone; given back, the Learn is applied again.
    book.note({ mark: null });
    return rebuild(context);
  }
  if (workingMemory.length === mark.events?.length) {
    const head = readObservationHead(step.request);
    const events = workingMemory.length;
    book.note(observed(book.current, step, { head, failed: true, interval, events, symbols: null }));
  } else {
    log.error(
      { sequence: step.at.sequence, events: mark.events },
      "the auto-learn failed, its events are lost",
    );
    await dropLostEvents(context, step, interval);
  }
  onProved(step, refused(13, "the auto-learn failed"));
}

async function markedStep({ readSteps }: Context, mark: LearnMark): Promise<Step> {
  for await (const step of readSteps({ sequence: mark.at.sequence, step: 0 }, mark.at.sequence)) {
    if (comparePositions(step.at, mark.at) === 0) return step;
  }
  throw new Error(`the marked command ${mark.at.sequence} is not in the log`);
}
