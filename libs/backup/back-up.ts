import type { NatsConnection } from "@nats-io/transport-node";
import { processorOfStream } from "../commands/messages/subjects.ts";
import { openExistingBucket } from "../nats/buckets.ts";
import { isStreamNotFound } from "../nats/errors.ts";
import { Registry } from "../registry/registry.ts";
import type { ProcessorContext } from "./back-up-processor.ts";
import { backUpProcessor } from "./back-up-processor.ts";
import { BackupError } from "./backup-error.ts";
import { EntryCopy } from "./copy-entries.ts";
import { keySources } from "./entries.ts";
import { BackupFile, completeFolder, createFolder } from "./folder.ts";
import type { Manifest, ProcessorBackup } from "./manifest.ts";
import { keysFile } from "./manifest.ts";
import { Moments } from "./moments.ts";
import { listStreams } from "./our-streams.ts";

export interface BackupOptions {
  connection: NatsConnection;
  /** A folder that does not exist yet, or is empty. */
  folder: string;
  /** Whether it has the keys of clients, too. */
  withKeys?: boolean;
  /** Once it is aborted, the backup ends, with every processor resumed and an incomplete folder. */
  stopping: AbortSignal;
  /** Told what happens, in lines for people. */
  progress: (line: string) => void;
}

/** Each has a snapshot under way, which takes some 8 MB of memory here and in NATS. */
const processorsAtOnce = 4;

/**
 * Makes a backup of all that the system keeps in NATS: of each processor its log, its checkpoint and what became
 * of its commands, as of one moment between two commands, and the registry. Each processor is paused by itself,
 * for as long as that takes; one that is paused already stays so. Resolves once all of it is on the disk.
 *
 * Rejects with a BackupError for what an operator can see to. The folder is then incomplete, and cannot be
 * restored.
 */
export async function backUp({
  connection,
  folder,
  withKeys = false,
  stopping,
  progress,
}: BackupOptions): Promise<Manifest> {
  const registry = await openRegistry(connection);
  const moments = new Moments(connection);
  try {
    await createFolder(folder);
    const created_at = new Date().toISOString();
    const program = `backup of ${created_at}`;
    const logs = (await listStreams(connection)).flatMap((stream) => processorOfStream(stream) ?? []);
    const ids = [...new Set([...registry.list().map(({ id }) => id), ...logs])].sort();
    const sums: string[] = [];
    const processors: ProcessorBackup[] = [];
    const failed = new AbortController();
    const context: ProcessorContext = {
      connection,
      registry,
      moments,
      folder,
      program,
      progress,
      stopping: AbortSignal.any([stopping, failed.signal]),
    };
    await forEach(ids, failed, async (id) => {
      context.stopping.throwIfAborted();
      const done = await backUpProcessor(context, id);
      processors.push(done.backup);
      sums.push(...done.sums);
      progress(`${processors.length} of ${ids.length}: ${summaryOf(done.backup)}`);
    });
    processors.sort((a, b) => (a.id < b.id ? -1 : 1));
    const nats_version = connection.info?.version ?? "";
    const manifest: Manifest = { format: 1, created_at, nats_version, processors };
    if (withKeys) {
      const { sum, count } = await copyKeys(context);
      sums.push(sum);
      manifest.keys = count;
    }
    await completeFolder(folder, manifest, sums);
    return manifest;
  } finally {
    moments.close();
    registry.close();
  }
}

async function copyKeys({ connection, folder, stopping }: ProcessorContext) {
  const file = await BackupFile.create(folder, keysFile);
  try {
    const copy = new EntryCopy(connection, file);
    await copy.copyRest(keySources, stopping);
    return { sum: await file.finish(), count: copy.count };
  } finally {
    await file.close();
  }
}

async function openRegistry(connection: NatsConnection): Promise<Registry> {
  try {
    return await Registry.open(await openExistingBucket(connection, "registry"), connection);
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
    throw new BackupError("there is nothing to back up: NATS has no registry");
  }
}

/**
 * Does a task for each processor, some at a time. When one fails, the others are ended by `failed`. It rejects
 * once none is under way any more, so that every processor is resumed by then.
 */
async function forEach(
  ids: string[],
  failed: AbortController,
  task: (id: string) => Promise<void>,
): Promise<void> {
  const left = ids.values();
  const run = async () => {
    for (const id of left) await task(id);
  };
  const runs = Array.from({ length: processorsAtOnce }, () => run().catch((error) => failed.abort(error)));
  await Promise.all(runs);
  failed.signal.throwIfAborted();
}

function summaryOf({ id, entry, moment, paused_ms, log, entries }: ProcessorBackup): string {
  const commands = log ? `${log.state.messages} commands up to ${log.state.last_seq}` : "no log";
  const paused = entry?.paused ? "is paused" : `was paused for ${paused_ms} ms`;
  const when = {
    settled: paused,
    down: "its instance is away, so it is as after a crash",
    held: "it is held, so it is as it stands",
    unowned: "no worker runs it",
  };
  return `${id}: ${commands}, ${entries} entries; ${when[moment]}`;
}
