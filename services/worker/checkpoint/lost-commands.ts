import type { RebuildSurvey } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Position } from "../model/position.ts";
import type { Checkpoint, Held, KnownLog, RebuildBasis } from "./checkpoint.ts";
import { firstCheckpoint } from "./checkpoint.ts";
import type { DegradationCode } from "./degradation.ts";
import { degradedBy } from "./degradation.ts";
import type { Changes } from "./transitions.ts";

/**
 * The changes of a checkpoint when the log is not what it was, and when somebody has decided about a processor
 * that is held. These are pure functions.
 */

/** Sequences that are missing from a log, both included. */
export interface MissingCommands {
  from: number;
  through: number;
}

/** What a log has lost that was read before. Whatever stands in it from `newFrom` on is new. */
export interface LostCommands extends MissingCommands {
  newFrom: number;
}

/**
 * The changes when the log has lost commands. What is new in it is applied. If some of the lost ones were
 * applied, the instance has more than the log. Then it is right, and is adopted as it is. A rebuild cannot give
 * back any more what they did.
 */
export function afterLoss(
  current: Checkpoint,
  { from, through, newFrom }: LostCommands,
  known: KnownLog,
  reason: { code: DegradationCode; detail: string },
): Changes {
  const { applied, replaying } = current;
  const { mark, ownObserve, step } = current;
  const underWay = mark?.at.sequence ?? ownObserve?.unseen?.sequence ?? (step > 0 ? applied + 1 : 0);
  const changes: Changes = {
    log: known,
    usedThrough: newFrom > through ? current.usedThrough : Math.max(current.usedThrough, through),
    cancelled: current.cancelled.filter((sequence) => sequence < newFrom),
    perhapsBegunThrough: Math.min(current.perhapsBegunThrough, newFrom - 1),
    ingestions: Object.fromEntries(
      Object.entries(current.ingestions).map(([id, counts]) => [
        id,
        { ...counts, through: Math.min(counts.through, newFrom - 1) },
      ]),
    ),
    degradations: degradedBy(current.degradations, reason.code, reason.detail),
  };
  if (from > Math.max(applied, underWay)) {
    return { ...changes, ...(replaying && replaying.through >= newFrom && { replaying: null }) };
  }
  const left = adopted({ ...current, ...changes }, Math.min(applied, newFrom - 1));
  const isSettled = underWay === 0 && !current.ownObserve && !current.rebuilding && !replaying;
  return { ...left, ifRestarted: isSettled ? basisBefore(current, newFrom) : null };
}

/** What a rebuild starts from where the log has only what stands before this sequence. */
function basisBefore(current: Checkpoint, newFrom: number): RebuildBasis | null {
  const before = current.adopting ? current.ifRestarted : current;
  if (!before) return null;
  const { keptEvent, events, adopted } = before;
  const isKept = ({ sequence }: Position) => sequence < newFrom;
  const end: Position = { sequence: newFrom, step: 0 };
  return {
    ...{ keptEvent, events, adopted },
    replayFrom: isKept(before.replayFrom) ? before.replayFrom : end,
    vectorsFrom: before.vectorsFrom && isKept(before.vectorsFrom) ? before.vectorsFrom : null,
    vectorEvents: before.vectorEvents.filter(({ at }) => isKept(at)),
    notBegun: before.notBegun
      .filter(({ from }) => isKept(from))
      .map((one) => (isKept(one.through) ? one : { ...one, through: lastBefore(newFrom) })),
  };
}

/** The last step of the command before this sequence, whichever that is. */
function lastBefore(sequence: number): Position {
  return { sequence: sequence - 1, step: Number.MAX_SAFE_INTEGER };
}

/** The changes when everything up to this sequence counts as applied, and the instance is right as it is. */
export function adopted(current: Checkpoint, applied: number): Changes {
  const { adopting: _, ...first } = firstCheckpoint;
  const { epoch, offset, interval, ingestions, foreign, settings, latestUniqueId, degradations } = current;
  const { log, usedThrough, unknownThrough, cancelled } = current;
  return {
    ...first,
    ...{ epoch, offset, interval, ingestions, foreign, settings, latestUniqueId, degradations },
    ...{ log, usedThrough, unknownThrough, cancelled },
    applied,
    replayFrom: { sequence: applied + 1, step: 0 },
    adopting: true,
  };
}

/** The changes when commands that were not applied are gone from the log, which then goes on behind them. */
export function passedLost({ degradations }: Checkpoint, { from, through }: MissingCommands): Changes {
  const which = from === through ? `command ${from}` : `commands ${from} to ${through}`;
  const detail = `commands were lost from the log before they were applied, the last time ${which}`;
  return { applied: through, step: 0, degradations: degradedBy(degradations, "commands-lost", detail) };
}

/**
 * The changes when a command that was under way is gone from the log, so that nobody can find out whether the
 * instance has it.
 */
export function lostUnderWay(current: Checkpoint, sequence: number): Changes {
  const detail = `commands were lost from the log, the last time command ${sequence} while it was under way`;
  const degradations = degradedBy(current.degradations, "commands-lost", detail);
  const { mark, ownObserve } = current;
  const isObserve = ownObserve !== null || (mark?.kind === "learn" && mark.isObserve);
  return { ...adopted({ ...current, degradations }, sequence), lostTicks: isObserve ? 1 : 0 };
}

/** The changes when an operator has the instance adopted, with everything up to `applied` in it. */
export function decidedToAdopt(current: Checkpoint, applied: number): Changes {
  const unknownThrough = Math.max(current.unknownThrough, applied);
  // The log is looked at anew.
  const log = null;
  const detail = `the instance was adopted as it was, with what the log has up to command ${applied}`;
  const degradations = degradedBy(current.degradations, "adopted", detail);
  return { ...adopted({ ...current, degradations, unknownThrough, log }, applied), held: null };
}

/** The changes when an operator has what `survey` counts applied anew, to a cleared instance. */
export function decidedToReplay(current: Checkpoint, { through }: Held, survey: RebuildSurvey): Changes {
  const { from } = survey;
  const { epoch, interval, ingestions, foreign, settings, usedThrough } = current;
  return {
    ...firstCheckpoint,
    ...{ epoch, interval, ingestions, foreign, settings, usedThrough },
    held: null,
    unknownThrough: Math.max(current.unknownThrough, through),
    applied: from - 1,
    replayFrom: { sequence: from, step: 0 },
    replaying: { through: survey.through, isCleared: false, applied: through },
  };
}
