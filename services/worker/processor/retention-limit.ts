import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { neededFrom } from "../checkpoint/transitions.ts";

/**
 * The history that a log keeps besides what a rebuild needs: so many applied commands, and none older than
 * this.
 */
export interface History {
  commands: number;
  /** 0 for no limit. */
  ageMs: number;
}

/**
 * The sequence below which the log can be trimmed: nothing there is needed by a rebuild from this checkpoint,
 * which has to be the persisted one (A5), nor belongs to the history. `firstYoung` is the first command that
 * is young enough to be kept.
 */
export function trimmedBelow(checkpoint: Checkpoint, commands: number, firstYoung: number): number {
  const historyFrom = Math.max(checkpoint.applied + 1 - commands, firstYoung);
  return Math.max(1, Math.min(neededFrom(checkpoint), historyFrom));
}
