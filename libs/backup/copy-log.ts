import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { findLog } from "../commands/log/log-info.ts";
import { streamOf } from "../commands/messages/subjects.ts";
import { isAtLeast } from "../nats/servers.ts";
import { BackupFile } from "./folder.ts";
import type { LogBackup } from "./manifest.ts";
import { logFile } from "./manifest.ts";
import { S2Size } from "./s2-size.ts";
import { snapshotStream } from "./stream-snapshot.ts";

export interface LogCopyOptions {
  connection: NatsConnection;
  folder: string;
  stopping: AbortSignal;
  progress: (line: string) => void;
}

/** What JetStream counts for a message beside its subject, headers and data. From 2.15 on a snapshot does not have it. */
const aroundMessageBytes = 34;
/** A log that takes longer is told of on the way. */
const tellEveryMs = 5_000;

/**
 * Copies a processor's log into its file. Resolves to what it is, and to the line of its checksum; to undefined if
 * there is no log.
 */
export async function copyLog(
  { connection, folder, stopping, progress }: LogCopyOptions,
  id: string,
): Promise<{ backup: LogBackup; sum: string } | undefined> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  if (!(await findLog(manager, id))) return undefined;
  const file = await BackupFile.create(folder, logFile(id));
  try {
    const size = new S2Size();
    let tellAt = performance.now() + tellEveryMs;
    const write = async (chunk: Uint8Array) => {
      size.add(chunk);
      await file.write(chunk);
      if (performance.now() < tellAt) return;
      tellAt = performance.now() + tellEveryMs;
      progress(`${id}: ${Math.round(file.bytes / 1e6)} MB of its log so far`);
    };
    const description = await snapshotStream(connection, streamOf(id), write, stopping);
    const { state: after } = await manager.streams.info(streamOf(id));
    const around = isAtLeast(connection.info?.version ?? "", "2.15.0") ? aroundMessageBytes : 0;
    const leastBytes = Math.min(
      ...[description.state, after].map(({ bytes, messages }) => bytes - messages * around),
    );
    if (!size.isWhole || size.contentBytes < leastBytes) {
      throw new Error(`the snapshot of ${id} has ${size.contentBytes} of ${leastBytes} bytes`);
    }
    return { backup: { ...description, after }, sum: await file.finish() };
  } finally {
    await file.close();
  }
}
