import type { Checkpoint } from "./checkpoint.ts";
import { neededFrom } from "./effects.ts";

/**
 * The sequence below which the log can go: what neither a rebuild from this checkpoint, the persisted one, needs (A5), nor the
 * history of `history` applied commands.
 */
export function trimmedBelow(checkpoint: Checkpoint, history: number): number {
  return Math.max(1, Math.min(neededFrom(checkpoint), checkpoint.applied + 1 - history));
}
