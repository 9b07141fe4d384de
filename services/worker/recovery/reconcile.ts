import { status as grpc } from "@grpc/grpc-js";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import { commanded, observed, ownObserved } from "../checkpoint/effects.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { AnswerTooLarge, ask, insist, workingMemoryOf } from "../instance/call.ts";
import { conclude } from "../steps/conclude.ts";
import type { Context } from "../steps/context.ts";
import { eventOfStrings } from "../steps/event-of-strings.ts";
import { refused, unknown } from "../steps/result.ts";
import type { Step } from "../steps/step.ts";
import { readWorkingMemory } from "../steps/working-memory.ts";
import { leaveIntervalZero, ownUniqueId, reportForeignTicks } from "./own-observe.ts";
import { proved } from "./proved.ts";
import { rebuild, resumeRebuild } from "./rebuild.ts";
import { clearForReplay } from "./replay.ts";
import { settleMarkedLearn } from "./settle-learn.ts";

/** How an instance's interval stands to the one that the checkpoint expects. */
export type Finding = { kind: "in-step" } | { kind: "ahead"; by: number } | { kind: "restarted" };

/** A lower interval is a restart: no interval stays 0, and none means two things (A5); so one of 0 may be a restart too. */
export function compareInterval(expected: number, seen: number): Finding {
  if (seen === expected && seen > 0) return { kind: "in-step" };
  return seen > expected ? { kind: "ahead", by: seen - expected } : { kind: "restarted" };
}

/**
 * Finds out which steps the instance already has, and gives it back what it has lost (docs/recovery.md). Afterwards the checkpoint says
 * exactly what the instance has, nothing is under way in it, and no mark is left but one that makes a repeat safe. Throws
 * Interrupted when the instance went away meanwhile; then it is to be done again.
 */
export async function reconcile(context: Context, interval: number): Promise<void> {
  const { book, log } = context;
  // A write that failed may have been one without which nothing more may be called.
  await book.flush();
  const { mark, ownObserve, rebuilding, replaying, interval: expected } = book.current;
  if (replaying && !replaying.isCleared) return clearForReplay(context);
  if (rebuilding && mark?.kind !== "learn") return resumeRebuild(context, interval);
  const finding = rebuilding ? ({ kind: "restarted" } as const) : compareInterval(expected, interval);
  context.recovered("reconcile", finding.kind);
  if (finding.kind === "restarted") {
    if (expected > 0) log.warn({ interval, expected }, "the instance has restarted");
    await settleMarkedLearn(context, { interval, restarted: true, ticked: false, isOver: false });
    // Proving a Learn moves the interval.
    const base = (await insist(context.call, "Ping", {})).interval;
    return rebuild(context, base, false);
  }
  const by = finding.kind === "ahead" ? finding.by : 0;
  if (ownObserve && !ownObserve.unseen) {
    await book.ahead(by > 0 ? ownObserved(book.current, interval) : { ownObserve: null });
    if (by > 0) reportForeignTicks(context, by - 1);
  } else if (by > 0) {
    const ownTicks = ownObserve && by > 1 ? 1 : 0;
    await skip(context, by - ownTicks, ownTicks, interval);
  } else if (mark?.kind === "learn") {
    await settleMarkedLearn(context, { interval, restarted: false, ticked: false, isOver: false });
  }
  await leaveIntervalZero(context);
}

/**
 * The next `by` Observes of the log were applied, and with them everything before the last of them: what fails is persisted
 * before anything else is called, so all of it but that last one has succeeded.
 */
async function skip(context: Context, by: number, ownTicks: number, interval: number): Promise<void> {
  const { book, log } = context;
  const { steps, foreignTicks } = await nextObserves(context, by);
  log.info({ observes: by - foreignTicks, steps: steps.length }, "reconciled: the instance has them already");
  const workingMemory = await workingMemoryOf(context.call).catch((error) => {
    if (!(error instanceof AnswerTooLarge)) throw error;
    return [];
  });
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1 && foreignTicks === 0;
    const { mark } = book.current;
    const isMarked = mark !== null && comparePositions(mark.at, step.at) === 0;
    if (isMarked && mark.kind === "learn" && mark.isObserve) {
      await settleMarkedLearn(context, { interval, restarted: false, ticked: true, isOver: !isLast });
    } else if (step.method !== "Observe") {
      await conclude(context, step, commanded(book.current, step), proved(context, step));
    } else if (isLast) {
      await concludeLatest(context, step, ownTicks);
    } else {
      await concludeSeen(context, step, workingMemory);
    }
  }
  if (foreignTicks === 0) return;
  book.note({ interval });
  reportForeignTicks(context, foreignTicks);
}

/** The steps up to the `count`th Observe that is not in the checkpoint yet, and how many Observes the log has too few. */
async function nextObserves(
  { book, readSteps }: Context,
  count: number,
): Promise<{ steps: Step[]; foreignTicks: number }> {
  const { applied, step: done } = book.current;
  let left = count;
  const steps: Step[] = [];
  for await (const step of readSteps({ sequence: applied + 1, step: 0 }, Number.MAX_SAFE_INTEGER)) {
    if (done > 0 && steps.length === 0 && step.at.step < done) continue;
    steps.push(step);
    if (step.method === "Observe" && --left === 0) break;
  }
  const last = steps.findLastIndex(({ method }) => method === "Observe");
  return { steps: steps.slice(0, last + 1), foreignTicks: left };
}

/** An Observe that another one has followed, so it has succeeded. */
async function concludeSeen(context: Context, step: Step, workingMemory: string[][]): Promise<void> {
  const { current } = context.book;
  const head = readObservationFields(step.request);
  const symbols = head.hasVectors ? (workingMemory[current.events] ?? null) : null;
  const events = current.events + (head.hasSymbols ? 1 : 0);
  const interval = current.interval + 1;
  const changes = observed(current, step, { head, failed: false, interval, events, symbols });
  await conclude(context, step, changes, proved(context, step));
}

/**
 * The Observe whose tick was the last, and whose end was not seen: it may still be running, and it may have failed. KATO's lock
 * holds an empty Observe back until it is over; that cannot set off an auto-learn, as an Observe that could is marked. Then
 * working memory shows whether there is its event.
 */
async function concludeLatest(context: Context, step: Step, ownTicks: number): Promise<void> {
  const { book, call, seen } = context;
  const answer = seen && comparePositions(seen.at, step.at) === 0 ? seen.result : undefined;
  const head = readObservationFields(step.request);
  let ticks = ownTicks;
  if (!answer && ticks === 0) {
    await book.ahead({ ownObserve: { unseen: step.at } });
    await ask(call, "Observe", { unique_id: ownUniqueId });
    ticks = 1;
  }
  const { current } = book;
  const workingMemory = await readWorkingMemory(context, eventOfStrings(step.request) ?? []);
  const events = workingMemory?.length ?? current.events + (head.hasSymbols ? 1 : 0);
  const hasEvent = events > current.events;
  const failed = answer ? answer.outcome === "failed" : head.hasSymbols && !hasEvent;
  const symbols = head.hasVectors && hasEvent ? (workingMemory?.at(-1) ?? null) : null;
  const interval = current.interval + 1 + ticks;
  const changes = observed(current, step, { head, failed, interval, events, symbols });
  let result = failed ? refused(grpc.OK, "") : proved(context, step);
  if (!workingMemory) result = unknown("working memory is too large to see whether it succeeded");
  await conclude(
    context,
    step,
    { ...changes, ownObserve: null, offset: current.offset - ticks },
    answer ?? result,
  );
  if (ticks > 0) await book.flush();
}
