import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";

/** The names of the system's key-value buckets, by what is in them. They are persisted: never change one. */
const bucketNames = {
  registry: "kato-registry",
  checkpoints: "kato-checkpoints",
  leases: "kato-leases",
  ingestions: "kato-ingestions",
  outcomes: "kato-outcomes",
  lateCalls: "kato-late-calls",
} as const;

/**
 * Purges all keys that match a NATS pattern. Unlike a delete of each key this leaves no markers behind in the
 * bucket.
 */
export async function purgeKeys(
  connection: NatsConnection,
  name: keyof typeof bucketNames,
  pattern: string,
): Promise<void> {
  const bucket = bucketNames[name];
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.${pattern}` });
}

/**
 * Opens a bucket, and creates it if it does not exist. With `ttlMs` each entry is removed that long after it
 * was written.
 *
 * Reads are answered by the bucket's leader. The direct reads that nats.js prefers are off: any replica
 * answers those, also one that is behind.
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
