import type { KV } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";

/** The key-value buckets of the system, by what is in them. */
export const bucketNames = {
  registry: "kato-registry",
  checkpoints: "kato-checkpoints",
} as const;

/** Opens a bucket, creating it where it does not exist. */
export function openBucket(
  connection: NatsConnection,
  name: keyof typeof bucketNames,
  replicas: number,
): Promise<KV> {
  return new Kvm(connection).create(bucketNames[name], { history: 1, replicas });
}
