import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import { autoLearned, commandSucceeded, eventsKept, observed } from "../checkpoint/transitions.ts";
import { AnswerTooLarge, frequencyOf } from "../instance/questions.ts";
import type { Intent, LearnIntent } from "../model/intent.ts";
import { unreadableFrequency } from "../model/intent.ts";
import { LogIncomplete } from "../model/interruptions.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { refused, unknown } from "../model/step-outcome.ts";
import { concludeFailedAutoLearn } from "./conclude-failed-auto-learn.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { askAgainMs } from "./context.ts";
import { degrade } from "./degrade.ts";
import { judgeLearn } from "./learn-verdict.ts";
import { provedOutcome } from "./proved-outcome.ts";
import { rebuild } from "./rebuild.ts";
import { removeIfTorn } from "./torn-model.ts";
import type { Traced } from "./trace-auto-learn.ts";
import { traceAutoLearn } from "./trace-auto-learn.ts";
import { readWorkingMemory } from "./working-memory.ts";

interface Situation {
  /** The instance's interval now. */
  interval: number;
  restarted: boolean;
  /** Whether the marked Observe has ticked. */
  ticked: boolean;
  /**
   * Whether another Observe has ticked after the marked one. That other one was sent only once the success of
   * the marked one was seen.
   */
  isOver: boolean;
}

interface Settled {
  /**
   * `not-begun` means: the instance has nothing of the command. `lost` means: the call has had its time, and
   * nothing was learned.
   */
  verdict: "learned" | "not-begun" | "lost" | "unknown";
  /**
   * Whether the command was begun although the verdict is `not-begun`: its torn model was deleted, or its
   * vectors were stored.
   */
  wasBegun?: boolean;
  workingMemory: string[][];
}

/**
 * Finds out whether a marked Learn, or a marked Observe that makes KATO learn by itself, took effect. If it
 * did, it is concluded. If it did not, its intent record is dropped, and the command loop applies the step
 * again. Does nothing if no Learn is marked.
 */
export async function settleMarkedLearn(context: Context, situation: Situation): Promise<void> {
  const { checkpoint, log, recovery } = context;
  const { mark } = checkpoint.current;
  if (mark?.kind !== "learn") return;
  const step = await markedStep(context, mark);
  const settled = await settleStep(context, step, mark, situation);
  const { verdict, workingMemory } = settled;
  log.info({ sequence: mark.at.sequence, model: mark.model, verdict }, "settled a Learn");
  recovery.count("settle", verdict);
  if (verdict === "learned") {
    if (situation.restarted) notePerhapsTorn(context);
    return concludeLearned(context, step, mark, workingMemory);
  }
  if (verdict === "lost") return recoverLost(context, step, mark, situation, workingMemory);
  if (verdict === "unknown") return concludeUnknown(context, step, situation, workingMemory);
  // Nothing shows whether a Learn of nothing was begun. Sending it twice does no harm.
  const isOfNothing = !mark.isObserve && mark.events !== null && mark.model === "";
  // KATO stores vectors before it stores the model, so they may be stored although there is no model.
  const mayHaveStoredVectors = situation.restarted && checkpoint.current.vectorsFrom !== null;
  const isBegun = isOfNothing || settled.wasBegun || mayHaveStoredVectors;
  checkpoint.update({ mark: isBegun ? begunBefore(mark) : null });
}

/**
 * The intent record of a command that was begun and is repeated. Because of the record the command is not
 * removed from the log as late.
 */
function begunBefore({ at }: LearnIntent): Intent {
  return { kind: "repeatable", at };
}

/**
 * Notes that KATO died in a Learn and has learned the model. Nothing shows whether it died before it had counted
 * all symbols of the model, and it cannot be asked for these counts.
 */
function notePerhapsTorn(context: Context): void {
  const detail = "KATO died in a Learn that took effect: symbol statistics may be a little off";
  degrade(context, "learn-perhaps-torn", detail);
}

/** How many events working memory has once the marked command has learned. */
function keptBy({ checkpoint }: Context, step: Step, { isObserve }: LearnIntent): number {
  if (!isObserve) return 0;
  const { hasSymbols } = readObservationFields(step.request);
  return eventsKept(checkpoint.current.events, hasSymbols);
}

/** Settles the marked step. If it is not known which events were to be learned, these are found out first. */
async function settleStep(
  context: Context,
  step: Step,
  intent: LearnIntent,
  situation: Situation,
): Promise<Settled> {
  const kept = keptBy(context, step, intent);
  const isTraced = situation.restarted && intent.isObserve && intent.events === null;
  if (!isTraced) return settle(context, intent, situation, kept);
  const traced = await traceAutoLearn(context, step, intent).catch((error): Traced => {
    if (error instanceof AnswerTooLarge) return { verdict: "unknown" };
    throw error;
  });
  if (traced.verdict === "unknown") return { verdict: "unknown", workingMemory: [] };
  if (traced.verdict === "not-begun") {
    return { verdict: "not-begun", wasBegun: traced.hasVectors, workingMemory: intent.before };
  }
  // From here on, and after another crash, it is settled as an auto-learn of strings.
  context.checkpoint.update({ mark: traced.intent });
  return settle(context, traced.intent, situation, kept);
}

/** Asks the instance until there is a final verdict, but no longer than a call may take. */
async function settle(
  context: Context,
  intent: LearnIntent,
  { restarted, ticked, isOver }: Situation,
  kept: number,
): Promise<Settled> {
  const { instance, checkpoint, pause } = context;
  // The tick is there, but the event may come a moment later.
  if (ticked && !isOver) await pause(askAgainMs);
  // A Learn stores vectors before it empties working memory.
  const hasVectors = checkpoint.current.vectorsFrom !== null;
  if (!restarted && !intent.isObserve && hasVectors) await pause(askAgainMs);
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    const frequency = await frequencyOf(instance, intent.model);
    const readable = restarted
      ? lastOf(intent.events ?? [], kept)
      : await readWorkingMemory(context, intent.events?.at(-1));
    // A working memory that is too large to be read has not been emptied, so the Learn was not begun.
    if (!readable && !intent.isObserve) return { verdict: "not-begun", workingMemory: intent.before };
    const workingMemory = readable ?? intent.events ?? intent.before;
    if (isOver) return { verdict: "learned", workingMemory: workingMemory.slice(0, kept) };
    const verdict = judgeLearn(intent, { restarted, ticked, frequency, workingMemory, kept });
    if (verdict === "perhaps-torn") {
      const wasBegun = await removeIfTorn(context, intent);
      return { verdict: wasBegun ? "not-begun" : "learned", wasBegun, workingMemory };
    }
    if (verdict !== "may-be-running") {
      // After the model KATO writes more, which takes a moment.
      if (verdict === "learned" && !restarted) await pause(askAgainMs);
      return { verdict, workingMemory };
    }
    if (waitedMs >= instance.callTimeoutMs) {
      const canTell = intent.events !== null && intent.frequency !== unreadableFrequency;
      return { verdict: canTell ? "lost" : "unknown", workingMemory };
    }
    await pause(askAgainMs);
  }
}

function lastOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(items.length - count);
}

function concludeLearned(
  context: Context,
  step: Step,
  { isObserve }: LearnIntent,
  kept: string[][],
): Promise<void> {
  const changes = isObserve
    ? learnedByItself(context, step, kept)
    : commandSucceeded(context.checkpoint.current, step);
  return concludeStep(context, step, changes, provedOutcome(context, step));
}

function learnedByItself({ checkpoint }: Context, step: Step, kept: string[][]): Changes {
  const { current } = checkpoint;
  const head = readObservationFields(step.request);
  return autoLearned(current, step, { head, interval: current.interval + 1, kept });
}

/**
 * Goes on after a command that has learned nothing in the time that a call may take. A Learn is repeated. An
 * Observe is concluded.
 */
async function recoverLost(
  context: Context,
  step: Step,
  intent: LearnIntent,
  { interval }: Situation,
  workingMemory: string[][],
): Promise<void> {
  const { checkpoint } = context;
  if (!intent.isObserve) {
    // Once its events are restored, the Learn is applied again.
    checkpoint.update({ mark: begunBefore(intent) });
    return rebuild(context);
  }
  const events = workingMemory.length;
  if (events !== intent.events?.length) {
    return concludeFailedAutoLearn(context, step, interval, refused(grpc.OK, "the auto-learn failed"));
  }
  const head = readObservationFields(step.request);
  const changes = observed(checkpoint.current, step, { head, failed: true, interval, events, symbols: null });
  return concludeStep(context, step, changes, refused(grpc.OK, ""));
}

/** Concludes an auto-learn of which nothing can be proved. */
async function concludeUnknown(
  context: Context,
  step: Step,
  { restarted }: Situation,
  workingMemory: string[][],
): Promise<void> {
  const detail = "an auto-learn of vectors was interrupted: whether it was learned is not known";
  degrade(context, "auto-learn-unknown", detail);
  const changes = learnedByItself(context, step, restarted ? [] : workingMemory);
  await concludeStep(context, step, changes, unknown("whether it was learned cannot be proved"));
}

async function markedStep({ history }: Context, intent: LearnIntent): Promise<Step> {
  const { sequence } = intent.at;
  for await (const step of history.steps({ sequence, step: 0 }, sequence)) {
    if (comparePositions(step.at, intent.at) === 0) return step;
  }
  throw new LogIncomplete(`the marked command ${sequence} is not in the log`);
}
