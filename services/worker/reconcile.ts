import { readObservationHead } from "../../libs/kato/heads.ts";
import { insist, workingMemoryOf } from "./call.ts";
import type { Context, OnProved } from "./context.ts";
import { askAgainMs } from "./context.ts";
import { commanded, isAutoLearnDue, observed, ownObserved } from "./effects.ts";
import { leaveIntervalZero, observeOwn, reportForeignTicks } from "./own-observe.ts";
import { comparePositions } from "./position.ts";
import { proved } from "./proved.ts";
import { rebuild, resumeRebuild } from "./rebuild.ts";
import type { Result } from "./result.ts";
import { settleMarkedLearn } from "./settle-learn.ts";
import type { Step } from "./step.ts";

/** How an instance's interval stands to the one that the checkpoint expects. */
export type Finding = { kind: "in-step" } | { kind: "ahead"; by: number } | { kind: "restarted" };

/** A lower interval is a restart: no interval stays 0, and none means two things (A5). */
export function compareInterval(expected: number, seen: number): Finding {
  if (seen === expected) return { kind: "in-step" };
  return seen > expected ? { kind: "ahead", by: seen - expected } : { kind: "restarted" };
}

/**
 * Finds out which steps the instance already has, and gives it back what it has lost (RECOVERY.md). Afterwards the checkpoint says
 * exactly what the instance has, nothing is under way in it, and no mark is left but one that makes a repeat safe. Throws
 * Interrupted when the instance went away meanwhile; then it is to be done again.
 */
export async function reconcile(context: Context, interval: number, onProved: OnProved): Promise<void> {
  const { book, log } = context;
  const { mark, rebuilding, interval: expected } = book.current;
  if (rebuilding && mark?.kind !== "learn") return resumeRebuild(context, interval);
  const finding = rebuilding ? ({ kind: "restarted" } as const) : compareInterval(expected, interval);
  if (finding.kind === "restarted") {
    log.warn({ interval, expected }, "the instance has restarted");
    if (mark?.kind === "own-observe") book.note({ mark: null });
    if (mark?.kind === "learn")
      await settleMarkedLearn(context, { interval, restarted: true, ticked: false }, onProved);
    // Proving a Learn moves the interval.
    const base = (await insist(context.call, "Ping", {})).interval;
    return rebuild(context, base, false);
  }
  if (mark?.kind === "own-observe") {
    const ticked = finding.kind === "ahead";
    await book.ahead(ticked ? ownObserved(book.current, interval) : { mark: null });
    if (ticked) reportForeignTicks(context, finding.by - 1);
  } else if (finding.kind === "ahead") {
    await skip(context, finding.by, interval, onProved);
  } else if (mark?.kind === "learn") {
    await settleMarkedLearn(context, { interval, restarted: false, ticked: false }, onProved);
  }
  await leaveIntervalZero(context);
}

/** The next `by` Observes of the log were applied, and with them everything before the last of them. */
async function skip(context: Context, by: number, interval: number, onProved: OnProved): Promise<void> {
  const { book, log, readSteps } = context;
  const { applied, step: done } = book.current;
  let left = by;
  const skipped: Step[] = [];
  for await (const step of readSteps({ sequence: applied + 1, step: 0 }, Number.MAX_SAFE_INTEGER)) {
    if (done > 0 && skipped.length === 0 && step.at.step < done) continue;
    skipped.push(step);
    if (step.method === "Observe" && --left === 0) break;
  }
  if (left > 0) {
    reportForeignTicks(context, left);
  }
  log.info({ observes: by - left, from: applied + 1 }, "reconciled: the instance has them already");
  for (const step of left > 0 ? skipped.slice(0, lastObserve(skipped) + 1) : skipped) {
    const { mark } = book.current;
    const isMarked = mark !== null && mark.kind !== "own-observe" && comparePositions(mark.at, step.at) === 0;
    if (step.method === "Observe" && isMarked && mark.kind === "learn") {
      await settleMarkedLearn(context, { interval, restarted: false, ticked: true }, onProved);
    } else if (step.method === "Observe") {
      onProved(step, await skippedObserve(context, step));
    } else {
      book.note(commanded(book.current, step));
      onProved(step, proved(context, step));
    }
  }
  book.note({ interval });
  await waitForUnseen(context);
  await countAgain(context, skipped);
}

/**
 * An Observe whose tick is there and whose end was not seen may still be running: KATO's lock holds an empty one back until
 * it is over. Where the empty one could set off an auto-learn, the expected number of events is waited for instead.
 */
async function waitForUnseen(context: Context): Promise<void> {
  const { book, call, pause, callTimeoutMs } = context;
  if (!isAutoLearnDue(book.current, false)) return observeOwn(context);
  const giveUpAt = performance.now() + callTimeoutMs;
  while (performance.now() < giveUpAt) {
    if ((await workingMemoryOf(call)).length >= book.current.events) return;
    await pause(askAgainMs);
  }
}

function lastObserve(steps: readonly Step[]): number {
  return steps.findLastIndex((step) => step.method === "Observe");
}

/** An Observe whose tick is there: what it was answered if that was seen, else what KATO says on success. */
async function skippedObserve(context: Context, step: Step): Promise<Result> {
  const { book, seen } = context;
  const checkpoint = book.current;
  const head = readObservationHead(step.request);
  const events = checkpoint.events + (head.hasSymbols ? 1 : 0);
  const interval = checkpoint.interval + 1;
  book.note(observed(checkpoint, step, { head, failed: false, interval, events, symbols: null }));
  return seen && comparePositions(seen.at, step.at) === 0 ? seen.result : proved(context, step);
}

/**
 * Asks for working memory after Observes whose answers were not seen: how many events there are, as some may have failed, and
 * the symbols of those with vectors.
 */
async function countAgain(context: Context, skipped: readonly Step[]): Promise<void> {
  const { book, call } = context;
  const workingMemory = await workingMemoryOf(call);
  const withVectors = skipped.filter(
    (step) => step.method === "Observe" && readObservationHead(step.request).hasVectors,
  );
  const { vectorEvents } = book.current;
  const unnamed = withVectors.filter(
    (step) => !vectorEvents.some(({ at }) => comparePositions(at, step.at) === 0),
  );
  const inMemory = workingMemory.filter((event) => event.some((symbol) => symbol.startsWith("VECTOR|")));
  const latest = inMemory.slice(inMemory.length - unnamed.length);
  const named = unnamed.flatMap((step, index) => {
    const symbols = latest[index];
    return symbols ? [{ at: step.at, symbols }] : [];
  });
  book.note({ events: workingMemory.length, vectorEvents: [...vectorEvents, ...named] });
}
