import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";

/** The key-value buckets of the system, by what is in them. */
const bucketNames = {
  registry: "kato-registry",
  checkpoints: "kato-checkpoints",
  leases: "kato-leases",
  ingestions: "kato-ingestions",
  outcomes: "kato-outcomes",
} as const;

/** Removes the keys of this pattern from a bucket, without leaving the traces that deleting them would. */
export async function dropKeys(
  connection: NatsConnection,
  name: keyof typeof bucketNames,
  pattern: string,
): Promise<void> {
  const bucket = bucketNames[name];
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.${pattern}` });
}

/**
 * Opens a bucket, creating it where it does not exist. With a time to live its entries go away that long after they were written.
 * What is read of it the bucket's leader says: the direct reads that nats.js prefers any replica answers, also one that is behind.
 */
export function openBucket(
  connection: NatsConnection,
  name: keyof typeof bucketNames,
  replicas: number,
  ttlMs?: number,
): Promise<KV> {
  const ttl = ttlMs === undefined ? {} : { ttl: ttlMs };
  return new Kvm(connection).create(bucketNames[name], { history: 1, replicas, allow_direct: false, ...ttl });
}
