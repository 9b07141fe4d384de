import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { keySubject, streamOfBucket } from "../../nats/buckets.ts";
import { isStreamNotFound } from "../../nats/errors.ts";
import { isAtLeast } from "../../nats/servers.ts";
import { commandSubject, streamOf } from "../messages/subjects.ts";
import type { LogLimits } from "./command-logs.ts";

/** How long JetStream remembers a message id. All attempts to publish one command take less time. */
const duplicateWindowMs = 120_000;

/**
 * Creates the processor's log if it does not exist. A log that exists stays as it is.
 *
 * A sequence never has two meanings: if there was a log before, the new one numbers its commands above
 * `usedThrough` and above what the checkpoint says is applied. `version` is that of the server.
 */
export async function createLog(
  manager: JetStreamManager,
  processor: string,
  { limits, usedThrough, version }: { limits: LogLimits; usedThrough: number; version: string },
): Promise<void> {
  const found = await infoOf(manager, processor);
  if (found && takesCommands(found, processor)) return;
  const above = Math.max(usedThrough, await appliedOf(manager, processor));
  const config = {
    name: streamOf(processor),
    subjects: [commandSubject(processor)],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: limits.replicas,
    max_bytes: limits.maxBytes,
    duplicate_window: duplicateWindowMs * 1_000_000,
  };
  if (above === 0 && !found) await add(manager, config);
  else if (isAtLeast(version, "2.10.0")) await add(manager, { ...config, first_seq: above + 1 });
  else await createNumbered(manager, config, { processor, above });
}

/**
 * Creates a log whose first sequence is above another, on a server that cannot be asked for that. The
 * numbering is moved by a purge, before the log takes any command. After a crash in between this goes on.
 */
async function createNumbered(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
  { processor, above }: { processor: string; above: number },
): Promise<void> {
  await add(manager, { ...config, subjects: [`${commandSubject(processor)}.none`] });
  const { state } = await manager.streams.info(config.name);
  if (state.last_seq < above) await manager.streams.purge(config.name, { seq: above + 1 });
  await manager.streams.update(config.name, { subjects: [commandSubject(processor)] });
}

/** Adds a stream. If somebody else has just created it, that one stays. */
async function add(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.add(config);
  } catch (error) {
    const isThere = error instanceof JetStreamApiError && error.code === nameInUse;
    if (!isThere) throw error;
  }
}

/** JetStream's code for a stream that exists with another configuration. */
const nameInUse = 10058;

function takesCommands({ config }: StreamInfo, processor: string): boolean {
  return config.subjects.includes(commandSubject(processor));
}

async function infoOf(manager: JetStreamManager, processor: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(streamOf(processor));
  } catch (error) {
    if (isStreamNotFound(error)) return undefined;
    throw error;
  }
}

/** The sequence up to which the processor's checkpoint says everything is applied; 0 without a checkpoint. */
async function appliedOf(manager: JetStreamManager, processor: string): Promise<number> {
  try {
    const stream = streamOfBucket("checkpoints");
    const subject = keySubject("checkpoints", processor);
    const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
    if (!message || message.data.length === 0) return 0;
    return message.json<{ applied: number }>().applied;
  } catch (error) {
    if (isStreamNotFound(error)) return 0;
    throw error;
  }
}
