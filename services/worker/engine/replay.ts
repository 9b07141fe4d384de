import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { RebuildSurvey } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { commanded } from "../checkpoint/transitions.ts";
import { insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { leaveIntervalZero } from "./gateway-observe.ts";
import { restoreGenes, restoreModes } from "./restore-settings.ts";
import { surveyOf } from "./survey.ts";

/**
 * What a replay from this sequence on would apply again: the commands that stand in the log up to `applied`.
 * Undefined where the log does not reach back so far.
 */
export async function surveyReplay(
  { checkpoint, history }: Context,
  from: number,
): Promise<RebuildSurvey | undefined> {
  const { applied } = checkpoint.current;
  if (from > applied || from < (await history.firstKept())) return undefined;
  const survey = await surveyOf(history.steps({ sequence: from, step: 0 }, applied));
  return survey.commands > 0 ? survey : undefined;
}

/**
 * Takes the checkpoint back to before `from`. Once that is persisted the replay happens, whatever dies. The
 * instance, which then has more than the checkpoint says, is cleared when it is reconciled next
 * (`clearForReplay`). After that the command loop takes the log from there on as ever; only that nobody is
 * told again what came of those commands.
 */
export async function rewind(context: Context, { from, through }: RebuildSurvey): Promise<void> {
  const { checkpoint, log } = context;
  const settings = await settingsAt(context, from);
  // Read only now: a client may have cancelled a command meanwhile.
  const { epoch, interval, ingestions, adopted, cancelled, perhapsBegunThrough, foreign, replaying } =
    checkpoint.current;
  log.warn({ from, through }, "clearing the instance to replay the history");
  await checkpoint.persist({
    ...firstCheckpoint,
    epoch,
    interval,
    ingestions,
    adopted,
    cancelled,
    perhapsBegunThrough,
    foreign,
    settings,
    applied: from - 1,
    replayFrom: { sequence: from, step: 0 },
    // A replay may be under way: what it has not come to yet was applied before all the same.
    replaying: { through: Math.max(through, replaying?.through ?? 0), isCleared: false },
  });
}

/**
 * Clears the instance, models and all, and gives it the settings with which the replay begins. Interrupted,
 * it begins anew.
 */
export async function clearForReplay(context: Context): Promise<void> {
  const { checkpoint, instance } = context;
  const { replaying } = checkpoint.current;
  if (!replaying || replaying.isCleared) return;
  await insist(instance, "ClearAllMemory", {});
  await checkpoint.persist({ interval: 0, offset: 0 });
  await restoreGenes(context);
  await restoreModes(context);
  await checkpoint.persist({ replaying: { ...replaying, isCleared: true } });
  await leaveIntervalZero(context);
}

/** Ends the replay if its last command is applied. */
export function endReplay({ checkpoint, log }: Context): boolean {
  const { replaying, applied } = checkpoint.current;
  if (!replaying || applied < replaying.through) return false;
  checkpoint.update({ replaying: null });
  log.info({ through: replaying.through }, "the history is replayed");
  return true;
}

/**
 * A command as it is replayed: its client waits no longer, and what hung on its deadline or its key is
 * decided.
 */
export function withoutClient({ id, processor, method, data, sequence }: StoredCommand): StoredCommand {
  return { id, processor, method, data, sequence };
}

/**
 * The settings before this sequence: those that the instance was adopted with, and what the log's commands up
 * to there have set. Where the log does not go back to its beginning, the settings of now stand in for the
 * adopted ones.
 */
async function settingsAt({ checkpoint, history }: Context, from: number): Promise<Settings> {
  const { adopted } = checkpoint.current;
  let current: Checkpoint = { ...checkpoint.current, mark: null };
  if (adopted !== null && (await history.firstKept()) <= 1) {
    // Another threshold may be searched with by now.
    const searchedThreshold = adopted.searchedThreshold ?? adopted.genes.recall_threshold ?? null;
    current = { ...current, settings: { ...adopted, searchedThreshold } };
  }
  for await (const step of history.steps({ sequence: 1, step: 0 }, from - 1)) {
    const { settings } = commanded(current, step);
    if (settings) current = { ...current, settings };
  }
  const { predicting } = current.settings;
  return { ...current.settings, predictedLast: predicting };
}
