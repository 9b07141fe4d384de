import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { sharedStreams } from "../commands/outcomes/shared-streams.ts";
import { bucketStream, openBucket } from "../nats/buckets.ts";
import { BackupError } from "./backup-error.ts";
import { readFolder } from "./folder.ts";
import type { Manifest } from "./manifest.ts";
import { keysFile } from "./manifest.ts";
import { listStreams } from "./our-streams.ts";
import type { RestoreContext } from "./restore-processor.ts";
import { restoreEntries, restoreProcessor } from "./restore-processor.ts";
import { serverProblem } from "./server-problem.ts";

export interface RestoreOptions {
  connection: NatsConnection;
  folder: string;
  /** How many replicas everything gets; undefined for as many as the logs had. */
  replicas: number | undefined;
  /** Whether the keys of clients are restored, too. Those that were revoked since count again. */
  withKeys?: boolean;
  /** Once it is aborted, the restore ends, and what it has made is removed. */
  stopping: AbortSignal;
  /** Told what happens, in lines for people. */
  progress: (line: string) => void;
}

/**
 * Restores a backup into a NATS that has nothing of this system. First every file is compared with its checksum,
 * and afterwards every log with what it was. The registry comes last, as nothing is used that it does not have.
 *
 * Rejects with a BackupError for what an operator can see to. What it has made is then removed, so that it can be
 * tried again, with one exception: where logs were damaged before they were backed up, all else is restored,
 * and the workers will say what is lost.
 */
export async function restore(options: RestoreOptions): Promise<Manifest> {
  const { connection, folder, withKeys = false, stopping, progress } = options;
  const manifest = await readFolder(folder);
  progress(`${manifest.processors.length} processors, of ${manifest.created_at}; all checksums are right`);
  const had = Math.max(1, ...manifest.processors.map(({ log }) => log?.config.num_replicas ?? 1));
  const replicas = options.replicas ?? had;
  const problem = serverProblem(manifest.nats_version, connection.info?.version ?? "", replicas);
  if (problem !== undefined) throw new BackupError(problem);
  if (withKeys && manifest.keys === undefined) {
    throw new BackupError(`${folder} has no keys of clients: it was made without --keys`);
  }
  await checkEmpty(connection);
  const made: string[] = [];
  const losses: string[] = [];
  const context: RestoreContext = {
    connection,
    folder,
    replicas: options.replicas,
    stopping,
    onStream: (stream) => made.push(stream),
  };
  try {
    await makeSharedStreams(context, replicas);
    for (const [index, backup] of manifest.processors.entries()) {
      stopping.throwIfAborted();
      const loss = await restoreProcessor(context, backup);
      if (loss !== undefined) losses.push(loss);
      const commands = backup.log?.state.messages ?? 0;
      const what = `${backup.id}: ${commands} commands, ${backup.entries} entries`;
      progress(`${index + 1} of ${manifest.processors.length}: ${what}`);
    }
    if (withKeys && manifest.keys !== undefined) {
      context.onStream(bucketStream("keys"));
      await openBucket(connection, "keys", replicas);
      await restoreEntries(context, keysFile, manifest.keys);
      progress(`the keys of clients, ${manifest.keys} entries: those that were revoked since count again`);
    } else if (manifest.keys !== undefined) {
      progress("the keys of clients are left out: --keys restores them");
    }
    stopping.throwIfAborted();
    context.onStream(bucketStream("registry"));
    const registry = await openBucket(connection, "registry", replicas);
    for (const { entry } of manifest.processors) {
      if (entry) await registry.put(entry.id, JSON.stringify(entry));
    }
  } catch (error) {
    progress("failed: removing what was restored");
    await remove(connection, made);
    throw error;
  }
  if (losses.length > 0) {
    throw new BackupError(`all is restored, but for what was damaged before: ${losses.join("; ")}`);
  }
  return manifest;
}

async function checkEmpty(connection: NatsConnection): Promise<void> {
  const there = await listStreams(connection);
  if (there.length === 0) return;
  const some = there.slice(0, 5).join(", ") + (there.length > 5 ? ", …" : "");
  throw new BackupError(
    `NATS has ${there.length} streams of this system already (${some}), and nothing is overwritten: ` +
      "stop all gateways, workers and discovery, and start NATS with an empty store",
  );
}

/** Makes the streams that all processors share, as the services make them, but for the registry. */
async function makeSharedStreams({ connection, onStream }: RestoreContext, replicas: number): Promise<void> {
  for (const [stream, make] of sharedStreams(connection, replicas)) {
    if (stream === bucketStream("registry")) continue;
    onStream(stream);
    await make();
  }
}

async function remove(connection: NatsConnection, streams: string[]): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const there = new Set(await listStreams(connection));
  for (const stream of streams) if (there.has(stream)) await manager.streams.delete(stream);
}
