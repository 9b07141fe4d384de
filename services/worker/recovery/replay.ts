import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { RebuildSurvey } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { commanded } from "../checkpoint/effects.ts";
import { insist } from "../instance/call.ts";
import type { Context } from "../steps/context.ts";
import { leaveIntervalZero } from "./own-observe.ts";
import { restoreGenes, restoreSettings } from "./rebuild.ts";
import { surveyOf } from "./survey.ts";

/**
 * What a replay from this sequence on would apply again: the commands that stand in the log up to `applied`. Undefined where
 * the log does not reach back so far.
 */
export async function surveyReplay(
  { book, readSteps, firstKept }: Context,
  from: number,
): Promise<RebuildSurvey | undefined> {
  const { applied } = book.current;
  if (from > applied || from < (await firstKept())) return undefined;
  const survey = await surveyOf(readSteps({ sequence: from, step: 0 }, applied));
  return survey.commands > 0 ? survey : undefined;
}

/**
 * Takes the processor back to where nothing was applied before `from`, once it is persisted: from then on it happens, whatever dies.
 * The instance, which has more than the checkpoint says then, is cleared by reconciling it (`clearForReplay`). The applier takes
 * the log from there on, as it takes any command, crashes and all; only that nobody is told again what came of it (`isReplayed`).
 */
export async function rewind(context: Context, { from, through }: RebuildSurvey): Promise<void> {
  const { book, log } = context;
  const { epoch, interval, ingestions, adopted } = book.current;
  const settings = await settingsAt(context, from);
  log.warn({ from, through }, "clearing the instance to replay the history");
  await book.ahead({
    ...firstCheckpoint,
    epoch,
    interval,
    ingestions,
    adopted,
    settings,
    applied: from - 1,
    replayFrom: { sequence: from, step: 0 },
    replaying: { through, isCleared: false },
  });
}

/** Clears the instance, models and all, and sets what was set where the replay begins; again from its start where it was interrupted. */
export async function clearForReplay(context: Context): Promise<void> {
  const { book, call } = context;
  const { replaying } = book.current;
  if (!replaying || replaying.isCleared) return;
  await insist(call, "ClearAllMemory", {});
  await book.ahead({ interval: 0, offset: 0 });
  await restoreGenes(context);
  await restoreSettings(context);
  await book.ahead({ replaying: { ...replaying, isCleared: true } });
  await leaveIntervalZero(context);
}

/** Whether the command was applied before, and is only replayed. */
export function isReplayed({ book }: Pick<Context, "book">, sequence: number): boolean {
  return sequence <= (book.current.replaying?.through ?? 0);
}

/** Ends the replay where it has just come to its end. */
export function endReplay({ book, log }: Context): boolean {
  const { replaying, applied } = book.current;
  if (!replaying || applied < replaying.through) return false;
  book.note({ replaying: null });
  log.info({ through: replaying.through }, "the history is replayed");
  return true;
}

/** A command that is replayed: whoever sent it is not waiting any more, and what hung on its deadline or key is decided. */
export function withoutSender({ id, processor, method, data, sequence }: StoredCommand): StoredCommand {
  return { id, processor, method, data, sequence };
}

/**
 * The settings before this sequence: those that the instance was adopted with, where the log goes back to its beginning,
 * and what the kept commands up to there have set. Where it does not, those of now stand in for what was set before.
 */
async function settingsAt({ book, readSteps, firstKept }: Context, from: number): Promise<Settings> {
  const { adopted, settings } = book.current;
  const isWhole = adopted !== null && (await firstKept()) <= 1;
  let current: Checkpoint = { ...book.current, mark: null, settings };
  if (isWhole) {
    // What is searched with by now may be another one.
    const searchedThreshold = adopted.searchedThreshold ?? adopted.genes.recall_threshold ?? null;
    current = { ...current, settings: { ...adopted, searchedThreshold } };
  }
  for await (const step of readSteps({ sequence: 1, step: 0 }, from - 1)) {
    const { settings } = commanded(current, step);
    if (settings) current = { ...current, settings };
  }
  const { predicting } = current.settings;
  return { ...current.settings, predictedLast: predicting };
}
