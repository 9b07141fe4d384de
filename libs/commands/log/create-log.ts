import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { nuid } from "@nats-io/transport-node";
import { takesBatches } from "../../nats/batches.ts";
import { bucketStream, keySubject } from "../../nats/buckets.ts";
import { isStreamNotFound } from "../../nats/errors.ts";
import { isAtLeast } from "../../nats/servers.ts";
import { commandSubject, streamOf } from "../messages/subjects.ts";
import { findLog } from "./log-info.ts";

/** The limits of a log, which are set when it is created. */
export interface LogLimits {
  /** How many replicas NATS keeps of it. */
  replicas: number;
  /** The largest size of one processor's log, in bytes, which JetStream holds; -1 for none. */
  maxBytes: number;
  /** The size at which gateways refuse commands to a log that JetStream holds to no limit; -1 for none. */
  heldBytes?: number;
}

/** How long JetStream remembers a message id. All attempts to publish one command take less time. */
const duplicateWindowMs = 120_000;

/** How long somebody may take to create a log in several steps. After that it is taken for dead. */
const creatingMs = 10_000;
const lookAgainMs = 50;
/** JetStream's code for a stream that exists with another configuration. */
const nameInUse = 10058;

/** A log has this subject until its numbering is moved, so that it takes no command before. */
const newLogSubject = (processor: string) => `${commandSubject(processor)}.new`;

/**
 * Creates the processor's log if it does not exist. A log that exists stays as it is, but that with `mayUpdate` it
 * takes batches from then on, if the server can.
 *
 * A sequence never has two meanings: if there was a log before, the new one numbers its commands above
 * `usedThrough` and above what the checkpoint says is applied. `version` is that of the server. Waits while
 * somebody else is creating it in several steps. Resolves to what JetStream says of it; to undefined if that has changed since.
 */
export async function createLog(
  manager: JetStreamManager,
  processor: string,
  wanted: { limits: LogLimits; usedThrough: number; version: string; mayUpdate?: boolean },
): Promise<StreamInfo | undefined> {
  const { limits, usedThrough, version, mayUpdate = false } = wanted;
  const found = await findLog(manager, processor);
  const isUnfinished = found?.config.subjects.includes(newLogSubject(processor)) === true;
  if (found && !isUnfinished) {
    if (mayUpdate && !found.config.allow_atomic && takesBatches(version))
      await allowBatches(manager, processor);
    return found;
  }
  const isAbandoned = found !== undefined && Date.now() - Date.parse(found.created) > creatingMs;
  // Whoever read it now would not be given what is stored after its numbering is moved.
  if (found && !isAbandoned) {
    await sleep(lookAgainMs);
    return createLog(manager, processor, wanted);
  }
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
    ...(takesBatches(version) && { allow_atomic: true }),
  };
  if (isAbandoned) await moveNumbering(manager, processor, above);
  else if (above === 0) return add(manager, config);
  else if (isAtLeast(version, "2.10.0")) return add(manager, { ...config, first_seq: above + 1 });
  else if (!(await createNumbered(manager, config, { processor, above }))) {
    return createLog(manager, processor, wanted);
  }
  return undefined;
}

/** Without it the log is written the other way, and whoever opens it next tries again. */
async function allowBatches(manager: JetStreamManager, processor: string): Promise<void> {
  await manager.streams.update(streamOf(processor), { allow_atomic: true }).catch(() => {});
}

/**
 * Creates a log whose first sequence is above another, on a server that cannot be asked for that. Only the one
 * process that has created the stream moves its numbering: somebody who came later would purge commands.
 * Resolves to false if somebody else has created it.
 */
async function createNumbered(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
  { processor, above }: { processor: string; above: number },
): Promise<boolean> {
  const unique = { subjects: [newLogSubject(processor)], description: `Being created by ${nuid.next()}` };
  const mine = await add(manager, { ...config, ...unique });
  if (mine) await moveNumbering(manager, processor, above);
  return mine !== undefined;
}

async function moveNumbering(manager: JetStreamManager, processor: string, above: number): Promise<void> {
  await manager.streams.purge(streamOf(processor), { seq: above + 1 });
  await manager.streams.update(streamOf(processor), { subjects: [commandSubject(processor)] });
}

/** Adds a stream. Resolves to undefined if somebody else has just created one with this name: that one stays. */
async function add(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.add(config);
  } catch (error) {
    const isThere = error instanceof JetStreamApiError && error.code === nameInUse;
    if (!isThere) throw error;
    return undefined;
  }
}

/** The sequence up to which the processor's checkpoint says everything is applied; 0 without a checkpoint. */
async function appliedOf(manager: JetStreamManager, processor: string): Promise<number> {
  try {
    const stream = bucketStream("checkpoints");
    const subject = keySubject("checkpoints", processor);
    const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
    if (!message || message.data.length === 0) return 0;
    return message.json<{ applied: number }>().applied;
  } catch (error) {
    if (isStreamNotFound(error)) return 0;
    throw error;
  }
}
