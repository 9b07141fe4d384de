import type { LearnMark } from "./mark.ts";

/** What is read of an instance to settle the mark of a Learn or of an Observe that sets off an auto-learn. */
export interface LearnFacts {
  /** Whether the instance has restarted since. */
  restarted: boolean;
  /** Whether the marked Observe has ticked; false for a Learn. */
  ticked: boolean;
  /** How often the model was learned by now. */
  frequency: number;
  /** How many events are in working memory now. */
  events: number;
}

/**
 * What became of a marked Learn. `learned` and `not-begun` speak for themselves; `nothing-to-learn`: it was applied;
 * `may-be-at-it`: ask again; `perhaps-torn`: the instance died in a first Learn; `lost`: the events are gone and nothing was
 * learned; `unknown`: it cannot be proved.
 */
export type LearnVerdict =
  | "learned"
  | "nothing-to-learn"
  | "not-begun"
  | "may-be-at-it"
  | "perhaps-torn"
  | "lost"
  | "unknown";

/** Settles the mark from what was read: a pure function (RECOVERY.md, Settling the mark). */
export function settleLearn(mark: LearnMark, facts: LearnFacts): LearnVerdict {
  const { restarted, ticked, frequency, events } = facts;
  const isRisen = frequency > mark.frequency;
  if (restarted) {
    if (mark.events === null) return "unknown";
    if (!isRisen) return "not-begun";
    return mark.frequency === 0 ? "perhaps-torn" : "learned";
  }
  if (isRisen) return "learned";
  if (mark.isObserve) {
    if (!ticked) return "not-begun";
    if (mark.events === null) return "unknown";
    if (mark.model === "") return "nothing-to-learn";
    return "may-be-at-it";
  }
  const marked = mark.events?.length ?? 0;
  if (mark.model === "") return events === 0 ? "nothing-to-learn" : "not-begun";
  return events === marked ? "not-begun" : "may-be-at-it";
}
