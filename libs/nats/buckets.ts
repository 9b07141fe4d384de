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
  keys: "kato-keys",
} as const;

/** A bucket, by what is in it. */
export type BucketName = keyof typeof bucketNames;

/** Every bucket. */
export const allBuckets = Object.keys(bucketNames) as BucketName[];

/** The name of the JetStream stream that holds a bucket. */
export const bucketStream = (name: BucketName) => `KV_${bucketNames[name]}`;

/** The subject at which the stream of a bucket stores a key, or all keys that match a NATS pattern. */
export const keySubject = (name: BucketName, pattern: string) => `$KV.${bucketNames[name]}.${pattern}`;

/**
 * Purges all keys that match a NATS pattern. Unlike a delete of each key this leaves no markers behind in the
 * bucket.
 */
export async function purgeKeys(
  connection: NatsConnection,
  name: BucketName,
  pattern: string,
): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.purge(bucketStream(name), { filter: keySubject(name, pattern) });
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
  name: BucketName,
  replicas: number,
  ttlMs?: number,
): Promise<KV> {
  const ttl = ttlMs === undefined ? {} : { ttl: ttlMs };
  return new Kvm(connection).create(bucketNames[name], { history: 1, replicas, allow_direct: false, ...ttl });
}

/** Opens a bucket that exists. */
export function openExistingBucket(connection: NatsConnection, name: BucketName): Promise<KV> {
  return new Kvm(connection).open(bucketNames[name], { allow_direct: false });
}
