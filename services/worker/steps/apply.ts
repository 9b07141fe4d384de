import { status as grpc } from "@grpc/grpc-js";
import { decodeRequest } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import { readObservationFields, readResponseFields } from "../../../libs/kato/wire-fields.ts";
import {
  autoLearned,
  commanded,
  isAutoLearnDue,
  observed,
  observeNotBegun,
  passed,
} from "../checkpoint/effects.ts";
import type { LearnMark, Mark } from "../checkpoint/mark.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { AnswerTooLarge, ask, frequencyOf, workingMemoryOf } from "../instance/call.ts";
import { Interrupted } from "../interruptions.ts";
import { leaveIntervalZero, reportForeignTicks } from "../recovery/own-observe.ts";
import { proved } from "../recovery/proved.ts";
import { rebuild } from "../recovery/rebuild.ts";
import { applyThresholdChange } from "./apply-threshold.ts";
import { conclude } from "./conclude.ts";
import type { Context } from "./context.ts";
import { eventOfStrings } from "./event-of-strings.ts";
import { callInStep, prepared } from "./in-step.ts";
import { dropLostEvents } from "./lost-events.ts";
import type { Result } from "./result.ts";
import { refused, resultOf } from "./result.ts";
import type { Step } from "./step.ts";
import { latestSymbols, readWorkingMemory } from "./working-memory.ts";

/**
 * Applies one step to an instance that is reconciled, and concludes it. Throws Interrupted when a call's end was not seen or
 * the call could not be made: then the instance has to be reconciled before anything else (A3).
 */
export async function applyStep(context: Context, step: Step): Promise<void> {
  const { book } = context;
  const { method, request } = step;
  if (method === "Observe") return applyObserve(context, step);
  if (method === changeRecallThresholdMethod) return applyThresholdChange(context, step);
  if (!isMethod(method)) {
    return conclude(context, step, passed(step), refused(grpc.UNIMPLEMENTED, `no such command: ${method}`));
  }
  if (rpcs[method].kind === "query") {
    return conclude(context, step, passed(step), await callInStep(context, method, request));
  }
  if (method === "Learn") return applyLearn(context, step);
  const mark = await prepared(context, step, () => markOf(context, step));
  if (!mark) return;
  await book.ahead({ mark });
  const answer = await callInStep(context, method, request);
  // A DeleteModel sent again after it took effect says that the model is gone.
  const isGone = answer.outcome === "failed" && mark.kind === "delete" && mark.existed;
  const result = isGone && !(await modelExists(context, step)) ? proved(context, step) : answer;
  const isApplied = result.outcome === "applied";
  if (!isApplied && method === "ClearAllMemory") await giveBack(context, answer);
  await conclude(context, step, isApplied ? commanded(book.current, step) : passed(step), result);
  if (isApplied && method === "ClearAllMemory") await leaveIntervalZero(context);
}

async function applyObserve(context: Context, step: Step): Promise<void> {
  const { book, call } = context;
  const head = readObservationFields(step.request);
  if (isAutoLearnDue(book.current, head.hasSymbols)) return applyLearningObserve(context, step);
  const before = book.current;
  const result = resultOf(await call("Observe", step.request));
  context.seen = { at: step.at, result };
  // KATO could not even read it: no tick.
  if (result.grpcStatus !== grpc.OK) {
    return conclude(context, step, observeNotBegun(book.current, step), result);
  }
  const { failed, interval } = readResponseFields(result.data);
  if (interval < before.interval) throw new Interrupted("the instance has restarted");
  reportForeignTicks(context, interval - before.interval - 1);
  // What a failure has left in working memory is asked, never guessed.
  const mustAsk = failed || head.hasVectors;
  const { events, newest } = mustAsk
    ? await afterObserve(context, step, failed)
    : { events: before.events + (head.hasSymbols ? 1 : 0), newest: null };
  const symbols = head.hasVectors && events > before.events ? newest : null;
  await conclude(context, step, observed(before, step, { head, failed, interval, events, symbols }), result);
}

/** How many events there are after an Observe, and the latest. */
async function afterObserve(
  context: Context,
  step: Step,
  failed: boolean,
): Promise<{ events: number; newest: string[] | null }> {
  if (failed) {
    const workingMemory = await readWorkingMemory(context, eventOfStrings(step.request) ?? []);
    if (!workingMemory) context.book.note({ degraded: "working memory is too large to be counted" });
    const { events } = context.book.current;
    return { events: workingMemory?.length ?? events, newest: workingMemory?.at(-1) ?? null };
  }
  try {
    const workingMemory = await workingMemoryOf(context.call);
    return { events: workingMemory.length, newest: workingMemory.at(-1) ?? null };
  } catch (error) {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return { events: context.book.current.events + 1, newest: await latestSymbols(context) };
  }
}

/** An Observe that will make KATO learn by itself. */
async function applyLearningObserve(context: Context, step: Step): Promise<void> {
  const { book, call } = context;
  const head = readObservationFields(step.request);
  const known = await prepared(context, step, async () => {
    const before = readable(await readWorkingMemory(context));
    return { before, mark: await learnMarkOf(context, step, before, true) };
  });
  if (!known) return;
  const { before, mark } = known;
  await book.ahead({ mark });
  const result = resultOf(await call("Observe", step.request));
  if (result.grpcStatus !== grpc.OK) {
    return conclude(context, step, observeNotBegun(book.current, step), result);
  }
  const { failed, interval } = readResponseFields(result.data);
  if (interval < book.current.interval) throw new Interrupted("the instance has restarted");
  const after = readable(await readWorkingMemory(context, eventOfStrings(step.request) ?? []));
  if (!failed) {
    const newEvent = head.hasSymbols ? await newEventOf(context, step, before, after) : [];
    const autoLearnedModel = modelName(head.hasSymbols ? [...before, newEvent] : before);
    const learned = autoLearned(book.current, step, { head, interval, kept: after });
    return conclude(context, step, learned, { ...result, autoLearnedModel });
  }
  if (after.length >= before.length && after.length + before.length > 0) {
    // It failed before it came to learning.
    const symbols = head.hasVectors && after.length > before.length ? (after.at(-1) ?? null) : null;
    const changes = observed(book.current, step, { head, failed, interval, events: after.length, symbols });
    return conclude(context, step, changes, result);
  }
  // Where there was no event before, it may as well have failed before it made one.
  await dropLostEvents(context, step, interval, result);
}

/** The symbols of the event that was learned last. */
async function newEventOf(
  { call }: Context,
  step: Step,
  before: string[][],
  after: string[][],
): Promise<string[]> {
  // KATO keeps the last event if there were two or more; a single one is gone, and cognition data still has its symbols.
  const kept = before.length > 0 ? after.at(-1) : undefined;
  if (kept) return kept;
  const fromStrings = eventOfStrings(step.request);
  if (fromStrings) return fromStrings;
  const { symbols } = (await ask(call, "GetCognitionData", {})).response as { symbols: string[] };
  return symbols;
}

async function applyLearn(context: Context, step: Step): Promise<void> {
  const { book } = context;
  const mark = await prepared(context, step, async () =>
    learnMarkOf(context, step, await readWorkingMemory(context), false),
  );
  if (!mark) return;
  await book.ahead({ mark });
  const result = await callInStep(context, "Learn", step.request);
  if (result.outcome === "applied") {
    return conclude(context, step, commanded(book.current, step), result);
  }
  await giveBack(context, result);
  await conclude(context, step, passed(step), result);
}

/**
 * After a Learn or a ClearAllMemory that failed: KATO empties working memory before it writes, so the events are gone and
 * nothing else has happened.
 */
async function giveBack(context: Context, { grpcStatus, data }: Result): Promise<void> {
  context.book.note({ mark: null });
  if (grpcStatus === grpc.OK) await rebuild(context, readResponseFields(data).interval, true);
}

/** Where nobody can tell what KATO learns by itself, nothing can be said of the step (A7). */
function readable(workingMemory: string[][] | undefined): string[][] {
  if (workingMemory) return workingMemory;
  throw new Error("working memory is too large to be read, and not what the log says");
}

async function learnMarkOf(
  { call }: Context,
  step: Step,
  workingMemory: string[][] | undefined,
  isObserve: boolean,
): Promise<LearnMark> {
  const newEvent = isObserve ? eventOfStrings(step.request) : [];
  const before = workingMemory ?? [];
  const isTold = workingMemory !== undefined && newEvent !== null;
  const events = isTold ? [...before, ...(newEvent.length > 0 ? [newEvent] : [])] : null;
  const model = events ? modelName(events) : "";
  const frequency = await frequencyOf(call, model);
  return { kind: "learn", at: step.at, isObserve, before, events, model, frequency };
}

async function markOf(
  context: Context,
  step: Step,
): Promise<Extract<Mark, { kind: "delete" | "repeatable" }>> {
  if (step.method !== "DeleteModel") return { kind: "repeatable", at: step.at };
  const { mark } = context.book.current;
  if (mark?.kind === "delete" && comparePositions(mark.at, step.at) === 0) return mark;
  return { kind: "delete", at: step.at, existed: await modelExists(context, step) };
}

async function modelExists({ call }: Context, step: Step): Promise<boolean> {
  const { name } = decodeRequest("DeleteModel", Buffer.from(step.request));
  return (await frequencyOf(call, name)) > 0;
}
