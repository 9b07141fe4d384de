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
 * it has the one with `commit`, which alone is answered.
 */
export const batchHeader = {
  id: "Nats-Batch-Id",
  /** 1 for the first message of the batch. */
  sequence: "Nats-Batch-Sequence",
  /** `1` in the last message. */
  commit: "Nats-Batch-Commit",
} as const;
