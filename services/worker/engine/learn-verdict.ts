import type { LearnIntent } from "../model/intent.ts";
import { unreadableFrequency } from "../model/intent.ts";

/**
 * What is read of an instance to settle the intent of a Learn, or of an Observe that makes KATO learn by
 * itself.
 */
export interface LearnFacts {
  /** Whether the instance has restarted since. */
  restarted: boolean;
  /** Whether the marked Observe has ticked; false for a Learn. */
  ticked: boolean;
  /** How often the model was learned by now. */
  frequency: number;
  /** Working memory now. */
  workingMemory: string[][];
  /**
   * How many events working memory holds once the command has learned: an auto-learn keeps the last of
   * several.
   */
  kept: number;
}

/**
 * What became of a marked Learn. `may-be-running`: ask again. `perhaps-torn`: the instance died in the
 * model's first Learn. `unknown`: nothing can be proved.
 */
export type LearnVerdict = "learned" | "not-begun" | "may-be-running" | "perhaps-torn" | "unknown";

/** Judges from what was read alone (docs/recovery.md, Settling the mark, has the table). */
export function judgeLearn(intent: LearnIntent, facts: LearnFacts): LearnVerdict {
  const { restarted, ticked, frequency, workingMemory, kept } = facts;
  const events = workingMemory.length;
  const hasRisen = frequency > intent.frequency;
  const hasNothingToLearn = intent.events !== null && intent.model === "";
  if (restarted) {
    if (intent.events === null || intent.frequency === unreadableFrequency) return "unknown";
    if (!hasRisen) return "not-begun";
    return intent.frequency === 0 ? "perhaps-torn" : "learned";
  }
  if (intent.isObserve) {
    if (!ticked) return "not-begun";
    // KATO drops the other events only once it has learned, just before the call is over.
    const isOver =
      events === kept &&
      (hasRisen || hasNothingToLearn || (intent.events === null && isNewEvent(intent, workingMemory)));
    return isOver ? "learned" : "may-be-running";
  }
  if (hasRisen) return "learned";
  // A Learn of no events does nothing but drop the emotives, so it is repeated to do that.
  if (events === intent.events?.length) return "not-begun";
  return hasNothingToLearn ? "learned" : "may-be-running";
}

/** Whether working memory holds one event alone, and that is not the one of before. */
function isNewEvent({ before }: LearnIntent, workingMemory: string[][]): boolean {
  const [kept] = workingMemory;
  return kept !== undefined && (before.length > 1 || JSON.stringify(kept) !== JSON.stringify(before[0]));
}
