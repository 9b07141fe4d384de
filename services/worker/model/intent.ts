import type { Position } from "./position.ts";

/**
 * The intent record of a command whose effect the interval cannot witness. It is persisted ahead of the call,
 * as the checkpoint's `mark`, and says what will prove the effect after a crash (docs/recovery.md, What is
 * kept).
 */
export type Intent =
  | LearnIntent
  /** A DeleteModel, and whether the model existed. */
  | { kind: "delete"; at: Position; existed: boolean }
  /** A change of the recall threshold, and the value it writes. */
  | { kind: "threshold"; at: Position; value: number }
  /** Any other command: sending it twice does no harm. */
  | { kind: "repeatable"; at: Position };

/** Stands for the frequency of a model that is too large to be read. */
export const unreadableFrequency = Number.MAX_SAFE_INTEGER;

/** The intent of a Learn, or of an Observe that will make KATO learn by itself. */
export interface LearnIntent {
  kind: "learn";
  at: Position;
  isObserve: boolean;
  /** Working memory before it. */
  before: string[][];
  /**
   * The events that will be learned. Null when they cannot be foretold, as when a vector among them has no
   * symbol yet.
   */
  events: string[][] | null;
  /** The name of the model that these events make, "" when there is nothing to learn. */
  model: string;
  /** How often that model was learned before, 0 for never. */
  frequency: number;
}
