import { ownObserved } from "../checkpoint/transitions.ts";
import { insist } from "../instance/questions.ts";
import { Interrupted } from "../model/interruptions.ts";
import type { Context } from "./context.ts";
import { mendForeignTicks, mendTicksUpTo, withoutForeign } from "./foreign-ticks.ts";
import { leaveIntervalZero } from "./gateway-observe.ts";
import { noteIfCleared } from "./learned-here.ts";
import { passObserves } from "./pass-observes.ts";
import { rebuild, resumeRebuild } from "./rebuild.ts";
import { clearForReplay } from "./replay.ts";
import { settleMarkedLearn } from "./settle-learn.ts";

/** How the instance's interval compares with the one that the checkpoint expects. */
export type Finding = { kind: "in-step" } | { kind: "ahead"; by: number } | { kind: "restarted" };

/**
 * Compares the two intervals. A lower interval is a restart, because no interval stays 0 and none means two
 * things (A5). An interval of 0 is taken for a restart even if 0 is expected.
 */
export function compareInterval(expected: number, seen: number): Finding {
  if (seen === expected && seen > 0) return { kind: "in-step" };
  return seen > expected ? { kind: "ahead", by: seen - expected } : { kind: "restarted" };
}

/**
 * Finds out which steps the instance already has, and restores what it has lost (docs/recovery.md).
 * Afterwards the checkpoint says exactly what the instance has, and nothing is under way in the instance. If
 * an intent record is left, it makes a repeat safe. Throws Interrupted if the instance goes away meanwhile.
 * Then it has to be done again. `isAdopted` says that the instance was adopted just now, over this connection.
 */
export async function reconcile(context: Context, interval: number, isAdopted = false): Promise<void> {
  const { checkpoint, log } = context;
  const { mark, rebuilding, replaying, ownObserve, interval: expected } = checkpoint.current;
  const isNothingBegun = !mark && !rebuilding && !replaying && !ownObserve;
  // What the checkpoint has was read from this instance. To restore it would change nothing.
  if (isAdopted && isNothingBegun && interval === expected) {
    context.recovery.count("reconcile", "adopted");
    await leaveIntervalZero(context);
    return checkpoint.flush();
  }
  // A write that failed earlier may be one that is needed before any call.
  await checkpoint.flush();
  if (replaying && !replaying.isCleared) return clearForReplay(context);
  if (rebuilding && mark?.kind !== "learn") return resumeRebuild(context, interval);
  const finding = rebuilding ? ({ kind: "restarted" } as const) : compareInterval(expected, interval);
  context.recovery.count("reconcile", finding.kind);
  if (finding.kind === "restarted") {
    if (expected > 0) log.warn({ interval, expected }, "the instance has restarted");
    return recoverFromRestart(context, interval);
  }
  await passWhatItHas(context, finding.kind === "ahead" ? finding.by : 0, interval);
  await leaveIntervalZero(context);
}

async function recoverFromRestart(context: Context, interval: number): Promise<void> {
  const { memory, instance, checkpoint } = context;
  const isSettled = checkpoint.current.mark?.kind === "learn";
  await settleMarkedLearn(context, { interval, restarted: true, ticked: false, isOver: false });
  if (memory.suspect?.method === "ClearAllMemory") {
    await noteIfCleared(context);
    memory.suspect = null;
  }
  // Settling may have moved the interval. A tick of somebody else's is noticed by the rebuild.
  const base = isSettled ? (await insist(instance, "Ping", {})).interval : interval;
  return rebuild(context, base, false);
}

/**
 * Recovers from a restart that the answer to an Observe has shown, as it can behind a proxy, where the
 * connection stands. The instance's interval may by now be the expected one again, so comparing them would
 * not show the restart. Throws Interrupted afterwards: then the step is tried again.
 */
export async function recoverDuringStep(context: Context, interval: number): Promise<never> {
  await recoverFromRestart(context, interval);
  throw new Interrupted("the instance has restarted");
}

/**
 * Passes the steps that the instance already has. `by` is how far its interval is ahead of the checkpoint's.
 */
async function passWhatItHas(context: Context, by: number, interval: number): Promise<void> {
  const { checkpoint, memory } = context;
  const { ownObserve } = checkpoint.current;
  if (ownObserve && !ownObserve.unseen) {
    const foreignTicks = Math.max(0, by - 1);
    const ticked = by > 0 ? ownObserved(checkpoint.current, interval) : { ownObserve: null };
    await checkpoint.persist({ ...withoutForeign(context, foreignTicks, interval), ...ticked });
    await mendForeignTicks(context, foreignTicks);
  } else if (by > 0) {
    const ownTicks = ownObserve && by > 1 ? 1 : 0;
    const ofTheLog = Math.min(by - ownTicks, memory.unaccounted);
    const latestInterval = await passObserves(context, ofTheLog, ownTicks, interval);
    // Working memory shows what became of a marked Learn, so it is settled before that is rebuilt.
    await settleMarkedLearn(context, { interval, restarted: false, ticked: false, isOver: false });
    await mendTicksUpTo(context, latestInterval);
  } else {
    await settleMarkedLearn(context, { interval, restarted: false, ticked: false, isOver: false });
  }
}
