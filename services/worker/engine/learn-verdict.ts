import type { LearnIntent } from "../model/intent.ts";
import { unreadableFrequency } from "../model/intent.ts";

/**
 * What is read from an instance to find out what became of a marked Learn, or of a marked Observe that makes
 * KATO learn by itself.
 */
export interface LearnFacts {
  /** Whether the instance has restarted since. */
  restarted: boolean;
  /** Whether the marked Observe has ticked; false for a Learn. */
  ticked: boolean;
  /** How often the model was learned until now. */
  frequency: number;
  /** Working memory now. */
  workingMemory: string[][];
  /**
   * How many events working memory has once the command has learned. An auto-learn keeps the last event, if
   * there were several.
   */
  kept: number;
}

/**
 * What became of a marked Learn. `may-be-running` means: ask again. `perhaps-torn` means: the instance died
 * in the first Learn of the model. `unknown` means: nothing can be proved.
 */
export type LearnVerdict = "learned" | "not-begun" | "may-be-running" | "perhaps-torn" | "unknown";

/** Judges only from what was read. The table is in docs/recovery.md, Settling the mark. */
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
    // KATO drops the other events only after it has learned, just before the call ends.
    const isOver =
      events === kept &&
      (hasRisen || hasNothingToLearn || (intent.events === null && isNewEvent(intent, workingMemory)));
    return isOver ? "learned" : "may-be-running";
  }
  if (hasRisen) return "learned";
  // It would have emptied working memory. A Learn of no events only drops the emotives. So it is repeated, to be sure
  // that it did.
  if (intent.events && startsWith(workingMemory, intent.events)) return "not-begun";
  return hasNothingToLearn ? "learned" : "may-be-running";
}

/**
 * Whether the event that is left in working memory shows that KATO has dropped others: there were several
 * before, or it is another one than before.
 */
function isNewEvent({ before }: LearnIntent, workingMemory: string[][]): boolean {
  const [kept] = workingMemory;
  return kept !== undefined && (before.length > 1 || JSON.stringify(kept) !== JSON.stringify(before[0]));
}

/** Whether all of these events are there. Behind them somebody else may have observed others. */
function startsWith(workingMemory: string[][], events: string[][]): boolean {
  return JSON.stringify(workingMemory.slice(0, events.length)) === JSON.stringify(events);
}
