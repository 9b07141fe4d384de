import type { Position } from "./position.ts";
import { comparePositions } from "./position.ts";

/**
 * The intent record of a command whose effect the interval cannot prove. It is persisted before the call, as
 * the checkpoint's `mark`. It says what will prove the effect after a crash (docs/recovery.md, What is kept).
 */
export type Intent =
  | LearnIntent
  /** A DeleteModel, and whether the model existed. */
  | { kind: "delete"; at: Position; existed: boolean }
  /** A change of the recall threshold, and the value it writes. */
  | { kind: "threshold"; at: Position; value: number }
  /** Any other command: sending it twice does no harm. */
  | { kind: "repeatable"; at: Position };

/** The intent record if it is that of the step at this position; undefined if it is another one's, or none. */
export function intentAt(mark: Intent | null, at: Position): Intent | undefined {
  return mark !== null && comparePositions(mark.at, at) === 0 ? mark : undefined;
}

/** Stands for the frequency of a model that is too large to be read. */
export const unreadableFrequency = Number.MAX_SAFE_INTEGER;

/** The intent record of a Learn, or of an Observe that will make KATO learn by itself. */
export interface LearnIntent {
  kind: "learn";
  at: Position;
  isObserve: boolean;
  /** Working memory before the command. */
  before: string[][];
  /**
   * The events that will be learned. Null if they are not known in advance, for example because a vector
   * among them has no symbol yet.
   */
  events: string[][] | null;
  /** The name of the model that these events make; "" if there is nothing to learn. */
  model: string;
  /** How often that model was learned before; 0 for never. */
  frequency: number;
  /** How many vectors the instance knew before. It is asked only if the command is an Observe with vectors. */
  vectors?: number;
  /**
   * A model that the worker has had learned after a crash, only so that its symbols have statistics, and that
   * has to be deleted.
   */
  spare?: string;
}
