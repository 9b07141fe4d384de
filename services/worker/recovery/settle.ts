import type { LearnMark } from "../checkpoint/mark.ts";
import { untoldFrequency } from "../checkpoint/mark.ts";

/** What is read of an instance to settle the mark of a Learn or of an Observe that sets off an auto-learn. */
export interface LearnFacts {
  /** Whether the instance has restarted since. */
  restarted: boolean;
  /** Whether the marked Observe has ticked; false for a Learn. */
  ticked: boolean;
  /** How often the model was learned by now. */
  frequency: number;
  /** Working memory now. */
  workingMemory: string[][];
  /** How many it holds once the marked command has learned: an auto-learn keeps the last of several. */
  kept: number;
}

/**
 * What became of a marked Learn. `learned` and `not-begun` speak for themselves; `may-be-at-it`: ask again; `perhaps-torn`: the
 * instance died in a first Learn; `unknown`: it cannot be proved.
 */
export type LearnVerdict = "learned" | "not-begun" | "may-be-at-it" | "perhaps-torn" | "unknown";

/** Settles the mark from what was read: a pure function (docs/recovery.md, Settling the mark). */
export function settleLearn(mark: LearnMark, facts: LearnFacts): LearnVerdict {
  const { restarted, ticked, frequency, workingMemory, kept } = facts;
  const events = workingMemory.length;
  const isRisen = frequency > mark.frequency;
  const hasNothingToLearn = mark.events !== null && mark.model === "";
  if (restarted) {
    if (mark.events === null || mark.frequency === untoldFrequency) return "unknown";
    if (!isRisen) return "not-begun";
    return mark.frequency === 0 ? "perhaps-torn" : "learned";
  }
  if (mark.isObserve) {
    if (!ticked) return "not-begun";
    // KATO keeps the last event only once it has learned; it is there when the call is over.
    const isOver =
      events === kept &&
      (isRisen || hasNothingToLearn || (mark.events === null && isNew(mark, workingMemory)));
    return isOver ? "learned" : "may-be-at-it";
  }
  if (isRisen) return "learned";
  // A Learn of no events, which may have dropped the emotives, is repeated to do it.
  if (events === mark.events?.length) return "not-begun";
  return hasNothingToLearn ? "learned" : "may-be-at-it";
}

/** Whether working memory holds one event alone, and not the one of before. */
function isNew({ before }: LearnMark, workingMemory: string[][]): boolean {
  const [kept] = workingMemory;
  return kept !== undefined && (before.length > 1 || JSON.stringify(kept) !== JSON.stringify(before[0]));
}
