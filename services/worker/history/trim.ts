import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { neededFrom } from "../checkpoint/effects.ts";

/** How many applied commands a log keeps, and for how long, besides those that a rebuild needs. */
export interface History {
  commands: number;
  /** 0 for no limit. */
  ageMs: number;
}

/**
 * The sequence below which the log can go: what neither a rebuild from this checkpoint, the persisted one, needs (A5), nor the
 * history, which ends at so many applied commands and before the first that is young enough.
 */
export function trimmedBelow(checkpoint: Checkpoint, commands: number, firstYoung: number): number {
  const historyFrom = Math.max(checkpoint.applied + 1 - commands, firstYoung);
  return Math.max(1, Math.min(neededFrom(checkpoint), historyFrom));
}
