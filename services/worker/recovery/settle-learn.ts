import { status as grpc } from "@grpc/grpc-js";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { autoLearned, commanded, observed } from "../checkpoint/effects.ts";
import type { LearnMark } from "../checkpoint/mark.ts";
import { untoldFrequency } from "../checkpoint/mark.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { ask, frequencyOf, insist } from "../instance/call.ts";
import { Interrupted } from "../interruptions.ts";
import { conclude } from "../steps/conclude.ts";
import type { Context } from "../steps/context.ts";
import { askAgainMs } from "../steps/context.ts";
import { dropLostEvents } from "../steps/lost-events.ts";
import { refused, unknown } from "../steps/result.ts";
import type { Step } from "../steps/step.ts";
import { readWorkingMemory } from "../steps/working-memory.ts";
import { ownUniqueId } from "./own-observe.ts";
import { proved } from "./proved.ts";
import { rebuild } from "./rebuild.ts";
import { settleLearn } from "./settle.ts";

interface Situation {
  /** The instance's interval now. */
  interval: number;
  restarted: boolean;
  /** Whether the marked Observe has ticked. */
  ticked: boolean;
  /** Whether another Observe has ticked after it, before which its success was seen. */
  isOver: boolean;
}

/**
 * Finds out whether a marked Learn, or an Observe that sets off an auto-learn, took effect, and concludes it; where it did not,
 * the mark goes and the step will be applied again.
 */
export async function settleMarkedLearn(context: Context, situation: Situation): Promise<void> {
  const { book, log } = context;
  const { mark } = book.current;
  if (mark?.kind !== "learn") return;
  const step = await markedStep(context, mark);
  const { verdict, workingMemory } = await judge(context, mark, situation, keptBy(context, step, mark));
  log.info({ sequence: mark.at.sequence, model: mark.model, verdict }, "settled a Learn");
  context.recovered("settle", verdict);
  if (verdict === "learned") return takeLearned(context, step, mark, workingMemory);
  if (verdict === "lost") return settleLost(context, step, mark, situation, workingMemory);
  if (verdict === "unknown") return giveUp(context, step, situation, workingMemory);
  book.note({ mark: null });
}

/** How many events working memory holds once the marked command has learned. */
function keptBy({ book }: Context, step: Step, { isObserve }: LearnMark): number {
  if (!isObserve) return 0;
  const { hasSymbols } = readObservationFields(step.request);
  return book.current.events + (hasSymbols ? 1 : 0) > 1 ? 1 : 0;
}

/** Asks until there is a verdict that stands; `lost`: the events are gone and nothing was learned. */
async function judge(
  context: Context,
  mark: LearnMark,
  { restarted, ticked, isOver }: Situation,
  kept: number,
): Promise<{ verdict: "learned" | "not-begun" | "lost" | "unknown"; workingMemory: string[][] }> {
  const { call, pause, callTimeoutMs } = context;
  // Its tick is there, but perhaps not yet its event.
  if (ticked && !isOver) await pause(askAgainMs);
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    const frequency = await frequencyOf(call, mark.model);
    const readable = restarted
      ? lastOf(mark.events ?? [], kept)
      : await readWorkingMemory(context, mark.events?.at(-1));
    // So large is only what was not learned.
    if (!readable && !mark.isObserve) return { verdict: "not-begun", workingMemory: mark.before };
    const workingMemory = readable ?? mark.events ?? mark.before;
    if (isOver) return { verdict: "learned", workingMemory: workingMemory.slice(0, kept) };
    const facts = { restarted, ticked, frequency, workingMemory, kept };
    const verdict = settleLearn(mark, facts);
    if (verdict === "perhaps-torn") {
      return { verdict: (await isTorn(context, mark)) ? "not-begun" : "learned", workingMemory };
    }
    if (verdict !== "may-be-at-it") {
      // What KATO writes after the model takes it a moment more.
      if (verdict === "learned" && !restarted) await pause(askAgainMs);
      return { verdict, workingMemory };
    }
    if (waitedMs >= callTimeoutMs) {
      const canTell = mark.events !== null && mark.frequency !== untoldFrequency;
      return { verdict: canTell ? "lost" : "unknown", workingMemory };
    }
    await pause(askAgainMs);
  }
}

function lastOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(items.length - count);
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
    const { status } = await ask(call, "Observe", { strings, unique_id: ownUniqueId });
    torn ||= status === "FAILED";
  }
  await insist(call, "ClearWorkingMemory", {});
  if (!torn) return false;
  await ask(call, "DeleteModel", { name: mark.model });
  if ((await frequencyOf(call, mark.model)) > 0) throw new Interrupted("the torn model cannot be deleted");
  const degraded = "a Learn was torn by a crash: symbol statistics may be a little off";
  log.warn({ model: mark.model }, degraded);
  book.note({ degraded });
  return true;
}

async function takeLearned(context: Context, step: Step, mark: LearnMark, kept: string[][]): Promise<void> {
  const { book } = context;
  if (!mark.isObserve) {
    return conclude(context, step, commanded(book.current, step), proved(context, step));
  }
  return conclude(context, step, learnedByItself(context, step, kept), proved(context, step));
}

function learnedByItself({ book }: Context, step: Step, kept: string[][]): Partial<Checkpoint> {
  const head = readObservationFields(step.request);
  return autoLearned(book.current, step, { head, interval: book.current.interval + 1, kept });
}

/** The call limit has passed, and nothing was learned. */
async function settleLost(
  context: Context,
  step: Step,
  mark: LearnMark,
  { interval }: Situation,
  workingMemory: string[][],
): Promise<void> {
  const { book } = context;
  if (!mark.isObserve) {
    // The events are gone; given back, the Learn is applied again.
    book.note({ mark: null });
    return rebuild(context);
  }
  const result = refused(grpc.OK, "the auto-learn failed");
  if (workingMemory.length === mark.events?.length) {
    const head = readObservationFields(step.request);
    const events = workingMemory.length;
    const changes = observed(book.current, step, { head, failed: true, interval, events, symbols: null });
    return conclude(context, step, changes, refused(grpc.OK, ""));
  }
  await dropLostEvents(context, step, interval, result);
}

/** An auto-learn of vectors of which nothing can be proved. */
async function giveUp(
  context: Context,
  step: Step,
  { restarted }: Situation,
  workingMemory: string[][],
): Promise<void> {
  const degraded = "an auto-learn of vectors was interrupted: whether it was learned is not known";
  const kept = restarted ? [] : workingMemory;
  context.book.note({ degraded });
  const result = unknown("whether it was learned cannot be proved");
  await conclude(context, step, learnedByItself(context, step, kept), result);
}

async function markedStep({ readSteps }: Context, mark: LearnMark): Promise<Step> {
  for await (const step of readSteps({ sequence: mark.at.sequence, step: 0 }, mark.at.sequence)) {
    if (comparePositions(step.at, mark.at) === 0) return step;
  }
  throw new Error(`the marked command ${mark.at.sequence} is not in the log`);
}
