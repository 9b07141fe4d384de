import type { NatsConnection } from "@nats-io/transport-node";
import type { ProcessorEntry } from "../registry/processor-entry.ts";
import { EntryCopy } from "./copy-entries.ts";
import { copyLog } from "./copy-log.ts";
import { checkpointSources, otherSources } from "./entries.ts";
import { BackupFile } from "./folder.ts";
import type { Moment, ProcessorBackup } from "./manifest.ts";
import { entriesFile } from "./manifest.ts";
import type { Moments } from "./moments.ts";
import type { PauseOptions } from "./pause.ts";
import { whilePaused } from "./pause.ts";

export interface ProcessorContext extends PauseOptions {
  connection: NatsConnection;
  folder: string;
  moments: Moments;
  stopping: AbortSignal;
}

/**
 * Makes the backup of one processor. It is paused for as long as its checkpoint, what has changed meanwhile and
 * its log are copied. The log comes last: so it has every command that the rest speaks of. Resolves to the
 * checksums of its files, too.
 */
export async function backUpProcessor(
  context: ProcessorContext,
  id: string,
): Promise<{ backup: ProcessorBackup; sums: string[] }> {
  const { connection, folder, moments, registry, stopping } = context;
  const isPaused = () => registry.get(id)?.paused === true;
  const file = await BackupFile.create(folder, entriesFile(id));
  try {
    const copy = new EntryCopy(connection, file);
    await copy.copyMost(otherSources(id), stopping);
    const pausedAt = performance.now();
    const copied = await whilePaused(context, id, async (before) => {
      const moment: Moment = before ? await moments.wait(id, isPaused, stopping) : "unowned";
      await copy.copyRest(checkpointSources(id), stopping);
      await copy.copyRest(otherSources(id), stopping);
      return { ...(before && { entry: asWanted(before) }), moment, log: await copyLog(context, id) };
    });
    const { log, ...rest } = copied;
    const wasPaused = rest.entry === undefined || rest.entry.paused === true;
    const paused_ms = wasPaused ? 0 : Math.round(performance.now() - pausedAt);
    return {
      backup: { id, ...rest, paused_ms, ...(log && { log: log.backup }), entries: copy.count },
      sums: [await file.finish(), ...(log ? [log.sum] : [])],
    };
  } finally {
    await file.close();
  }
}

/** The entry as people want it: what a backup has left paused is not to be paused. */
function asWanted({ paused, paused_by, ...entry }: ProcessorEntry): ProcessorEntry {
  return { ...entry, ...(paused && paused_by === undefined && { paused }) };
}
