import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Checkpoint, KnownLog } from "./checkpoint.ts";
import { isReplayed, unknownLog } from "./checkpoint.ts";
import type { MissingCommands } from "./lost-commands.ts";
import type { Changes } from "./transitions.ts";
import { neededFrom } from "./transitions.ts";

/** What a checkpoint says of the sequences that a log has, and of those that it lacks. These are pure functions. */

/**
 * The changes when a command was taken from the log, which is known to reach `last` at this time (Unix ms, by the
 * clock of NATS). With them it is noticed if the log loses the command, or one that follows.
 */
export function taken(
  { log, usedThrough, applied }: Checkpoint,
  { sequence, storedAtMs }: StoredCommand,
  last: number,
  nowMs: number,
): Changes {
  const before = log ?? unknownLog;
  const isLatest = storedAtMs !== undefined && sequence > before.latest.sequence;
  const latest = isLatest ? { sequence, storedAtMs } : before.latest;
  const known = reaching({ ...before, latest }, last, nowMs);
  // The numbers of the log have moved on, and nothing was given those in between.
  const hasMoved = usedThrough > 0 && sequence > usedThrough;
  return { log: known, ...(hasMoved && { applied: Math.max(applied, sequence - 1), usedThrough: 0 }) };
}

/** What is known of a log that was seen to reach `last` at this time. */
export function reaching(log: KnownLog, last: number, nowMs: number): KnownLog {
  return last > log.end ? { ...log, end: last, endSeenAtMs: nowMs } : log;
}

/** The commands that the log has lost before this sequence, although they were not applied. */
export function lostBefore(current: Checkpoint, sequence: number): MissingCommands | undefined {
  const { applied } = current;
  if (applied >= sequence - 1 || isReplayed(current, sequence)) return undefined;
  const from = firstMissing(current, applied + 1, sequence);
  return from < sequence ? { from, through: sequence - 1 } : undefined;
}

/**
 * The first sequence from `from` on that nothing says why the log lacks it, where the next one that it has is
 * `next`; `next` if there is none. Commands that were cancelled were taken out of the log.
 */
export function firstMissing({ cancelled }: Checkpoint, from: number, next: number): number {
  let missing = from;
  while (missing < next && cancelled.includes(missing)) missing++;
  return missing;
}

/** Whether everything up to `last` is applied, and nothing in the log hinders it to go on with other numbers. */
export function areNumbersToMove(current: Checkpoint, last: number): boolean {
  const { usedThrough, applied } = current;
  return usedThrough > 0 && applied >= last && neededFrom(current) > applied;
}
