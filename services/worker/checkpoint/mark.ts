import type { Position } from "./position.ts";

/** What is persisted ahead of a call that `interval` cannot witness: what will prove its effect (docs/recovery.md, What is kept). */
export type Mark =
  | LearnMark
  /** A DeleteModel, and whether the model existed. */
  | { kind: "delete"; at: Position; existed: boolean }
  /** A change of the recall threshold, and the value it writes. */
  | { kind: "threshold"; at: Position; value: number }
  /** Any other command: repeating it does no harm. */
  | { kind: "repeatable"; at: Position };

/** How often a model was learned that is too large to be read: nobody knows. */
export const untoldFrequency = Number.MAX_SAFE_INTEGER;

/** A Learn, or an Observe that will set off an auto-learn. */
export interface LearnMark {
  kind: "learn";
  at: Position;
  isObserve: boolean;
  /** Working memory before it. */
  before: string[][];
  /** The events that will be learned; null when nobody can tell them, as when a vector among them has no symbol yet. */
  events: string[][] | null;
  /** The name they will have, "" when there is nothing to learn. */
  model: string;
  /** How often the model was learned before, 0 for never. */
  frequency: number;
}
