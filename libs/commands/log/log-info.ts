import type { JetStreamManager, StreamInfo, StreamState } from "@nats-io/jetstream";
import { isStreamNotFound } from "../../nats/errors.ts";
import { streamOf } from "../messages/subjects.ts";

/**
 * What JetStream says of a processor's log, as its leader knows it. Rejects if there is no log, and while it has
 * no leader: another server may answer then, and its replica can be behind.
 */
export async function logInfo(manager: JetStreamManager, processor: string): Promise<StreamInfo> {
  const info = await manager.streams.info(streamOf(processor));
  if (info.cluster && !info.cluster.leader) throw new Error(`the log of ${processor} has no leader`);
  return info;
}

/** What JetStream says of a processor's log, whoever answers; undefined if there is no log. */
export async function findLog(manager: JetStreamManager, processor: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(streamOf(processor));
  } catch (error) {
    if (isStreamNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The sequence of the first command in a log. If it is empty, the one that the next command will get: of a log that never
 * had a command JetStream says that its first is 0 or 1.
 */
export function firstSequence({ messages, first_seq, last_seq }: StreamState): number {
  return messages > 0 ? first_seq : last_seq + 1;
}
