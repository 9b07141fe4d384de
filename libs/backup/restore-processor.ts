import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { JetStreamClient } from "@nats-io/jetstream";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { streamOf } from "../commands/messages/subjects.ts";
import { BackupError } from "./backup-error.ts";
import type { Entry } from "./entries.ts";
import { entryStreams, headersOf } from "./entries.ts";
import type { LogBackup, ProcessorBackup } from "./manifest.ts";
import { entriesFile, logFile, restoredLogProblem } from "./manifest.ts";
import { restoreStream } from "./stream-restore.ts";

const chunkBytes = 128 * 1024;
const publishedAtOnce = 256;

export interface RestoreContext {
  connection: NatsConnection;
  folder: string;
  /** How many replicas each log gets; undefined for as many as it had. */
  replicas: number | undefined;
  stopping: AbortSignal;
  /** Told of each stream that is about to be made. */
  onStream: (stream: string) => void;
}

/**
 * Restores a processor's log and entries. The streams that its entries belong to have to be there. Resolves to
 * what its log has lost, in words; undefined if nothing.
 */
export async function restoreProcessor(
  context: RestoreContext,
  { id, log, entries }: ProcessorBackup,
): Promise<string | undefined> {
  const loss = log && (await restoreLog(context, id, log));
  await restoreEntries(context, entriesFile(id), entries);
  return loss;
}

async function restoreLog(context: RestoreContext, id: string, log: LogBackup): Promise<string | undefined> {
  const { connection, folder, replicas, stopping } = context;
  if (log.config.name !== streamOf(id)) throw new BackupError(`the log of ${id} has another name`);
  const config = { ...log.config, ...(replicas !== undefined && { num_replicas: replicas }) };
  const chunks = chunksOf(join(folder, logFile(id)), stopping);
  context.onStream(config.name);
  const { state } = await restoreStream(connection, { config, state: log.state }, chunks);
  const problem = restoredLogProblem(log, state);
  if (!problem) return undefined;
  const text = `the log of ${id} is not what it was: ${problem.text}`;
  if (!problem.isLoss) throw new BackupError(text);
  return text;
}

async function* chunksOf(path: string, stopping: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    stopping.throwIfAborted();
    yield chunk;
  }
}

/** Restores the entries of one of the backup's files, which has to have as many as were written. */
export async function restoreEntries(
  { connection, folder, stopping }: RestoreContext,
  file: string,
  expected: number,
): Promise<void> {
  const streams = jetstream(connection);
  const lines = createInterface({ input: createReadStream(join(folder, file)) });
  let waiting: Promise<unknown>[] = [];
  let count = 0;
  for await (const line of lines) {
    stopping.throwIfAborted();
    // They are stored in the order in which they are published.
    waiting.push(publish(streams, file, JSON.parse(line)));
    count++;
    if (waiting.length < publishedAtOnce) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  if (count !== expected) {
    throw new BackupError(`${file} has ${count} entries, and ${expected} were written`);
  }
}

async function publish(streams: JetStreamClient, file: string, entry: Entry): Promise<void> {
  const { stream: streamName, subject, data } = entry;
  if (!entryStreams.has(streamName)) {
    throw new BackupError(`${file} has an entry of ${streamName}, which this version does not know`);
  }
  await streams.publish(subject, Buffer.from(data, "base64"), {
    headers: headersOf(entry),
    expect: { streamName },
  });
}
