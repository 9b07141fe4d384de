import { isAtLeast } from "./servers.ts";

/**
 * The first version whose streams take batches here. 2.12 has them too, but writes each of their messages to the disk by
 * itself where every write has to be there (docs/decisions/0036).
 */
const batchesVersion = "2.15.0";

/** Whether a server of this version takes batches well. */
export function takesBatches(version: string): boolean {
  return isAtLeast(version, batchesVersion);
}

/** JetStream takes no more in one batch. */
export const maxBatchMessages = 1_000;

/**
 * The headers of a message of a batch (ADR-50 of NATS). JetStream stores all messages of a batch or none, and none before
 * it has the last one, which alone is answered. The first one's `place` is 1.
 */
export function batchHeaders(batch: string, place: number, isLast: boolean): Record<string, string> {
  const headers = { "Nats-Batch-Id": batch, "Nats-Batch-Sequence": String(place) };
  return isLast ? { ...headers, "Nats-Batch-Commit": "1" } : headers;
}
