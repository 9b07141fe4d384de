import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { neededFrom } from "../checkpoint/transitions.ts";

/**
 * Which applied commands a log keeps besides those that a rebuild needs: the latest ones, up to this number,
 * and none older than this.
 */
export interface HistoryLimit {
  commands: number;
  /** 0 for no limit. */
  ageMs: number;
}

/**
 * The sequence below which the log can be trimmed. Nothing below it is needed by a rebuild from this
 * checkpoint, and nothing belongs to the history. The checkpoint has to be the persisted one (A5).
 * `firstYoung` is the first command that is young enough to be kept.
 */
export function trimmedBelow(checkpoint: Checkpoint, commands: number, firstYoung: number): number {
  const historyFrom = Math.max(checkpoint.applied + 1 - commands, firstYoung);
  return Math.max(1, Math.min(neededFrom(checkpoint), historyFrom));
}
