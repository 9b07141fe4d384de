import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { RebuildSurvey } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { commandSucceeded } from "../checkpoint/transitions.ts";
import { insist } from "../instance/questions.ts";
import type { Context } from "./context.ts";
import { countLog } from "./count-log.ts";
import { leaveIntervalZero } from "./gateway-observe.ts";
import { restoreGenes, restoreModes } from "./restore-settings.ts";

/**
 * What a replay from this sequence on would apply again: the commands in the log from there up to `applied`.
 * Undefined if the log does not reach back so far.
 */
export async function surveyReplay(
  { checkpoint, history }: Context,
  from: number,
): Promise<RebuildSurvey | undefined> {
  const { applied } = checkpoint.current;
  if (from > applied || from < (await history.firstKept())) return undefined;
  const survey = await countLog(history.steps({ sequence: from, step: 0 }, applied));
  return survey.commands > 0 ? survey : undefined;
}

/**
 * Takes the checkpoint back to before `from`. Once that is persisted, the replay happens, whatever dies. The
 * instance then has more than the checkpoint says. So it is cleared when it is reconciled next
 * (`clearForReplay`). After that the command loop applies the log from there on as always, except that nobody
 * is told the outcomes of these commands again.
 */
export async function rewind(context: Context, { from, through }: RebuildSurvey): Promise<void> {
  const { checkpoint, log } = context;
  const settings = await settingsAt(context, from);
  // The checkpoint is read only now, because a client may have cancelled a command meanwhile.
  const { epoch, interval, ingestions, adopted, cancelled, perhapsBegunThrough, foreign, replaying } =
    checkpoint.current;
  const { log: known, usedThrough, unknownThrough, applied } = checkpoint.current;
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
    log: known,
    usedThrough,
    unknownThrough,
    applied: from - 1,
    replayFrom: { sequence: from, step: 0 },
    // Another replay may be under way. The commands that it has not reached yet were applied before, too.
    replaying: {
      through: Math.max(through, replaying?.through ?? 0),
      isCleared: false,
      applied: Math.max(applied, replaying?.applied ?? 0),
    },
  });
}

/**
 * Clears the instance with all its models, and gives it the settings with which the replay begins. If it is
 * interrupted, it begins anew.
 */
export async function clearForReplay(context: Context): Promise<void> {
  const { checkpoint, instance, memory } = context;
  const { replaying } = checkpoint.current;
  if (!replaying || replaying.isCleared) return;
  // What is known of an Observe by its answer is of when it was first applied.
  memory.latestAnswer = null;
  await insist(instance, "ClearAllMemory", {});
  // An instance that was held had to be adopted first, with the events that it had then.
  await checkpoint.persist({ interval: 0, offset: 0, events: 0 });
  await restoreGenes(context);
  await restoreModes(context);
  await checkpoint.persist({ replaying: { ...replaying, isCleared: true } });
  await leaveIntervalZero(context);
}

/** Ends the replay if its last command is applied. */
export function endReplay({ checkpoint, log }: Context): boolean {
  const { replaying, applied } = checkpoint.current;
  if (!replaying || applied < replaying.through) return false;
  checkpoint.update({ replaying: null, applied: Math.max(applied, replaying.applied ?? 0) });
  log.info({ through: replaying.through }, "the history is replayed");
  return true;
}

/**
 * A command as it is replayed, without its client's reply subject, deadline and key. Nobody waits for it any
 * more, and it was decided long ago that it is applied.
 */
export function withoutClient({ id, processor, method, data, sequence }: StoredCommand): StoredCommand {
  return { id, processor, method, data, sequence };
}

/**
 * The settings before this sequence: those with which the instance was adopted, and on top of them what the
 * commands of the log have set up to there. If the beginning of the log was trimmed, the present settings are
 * used instead of the adopted ones.
 */
async function settingsAt({ checkpoint, history }: Context, from: number): Promise<Settings> {
  const { adopted } = checkpoint.current;
  let current: Checkpoint = { ...checkpoint.current, mark: null };
  if (adopted !== null && (await history.firstKept()) <= 1) {
    // By now KATO may search with another threshold.
    const searchedThreshold = adopted.searchedThreshold ?? adopted.genes.recall_threshold ?? null;
    current = { ...current, settings: { ...adopted, searchedThreshold } };
  }
  for await (const step of history.steps({ sequence: 1, step: 0 }, from - 1)) {
    const { settings } = commandSucceeded(current, step);
    if (settings) current = { ...current, settings };
  }
  const { predicting } = current.settings;
  return { ...current.settings, predictedLast: predicting };
}
