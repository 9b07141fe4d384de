import type { NatsConnection } from "@nats-io/transport-node";
import { bucketStream, openBucket } from "../../nats/buckets.ts";
import { DeadLetters, deadLetterStream } from "./dead-letters.ts";
import { ingestionsKeptMs } from "./ingestion-store.ts";
import { OutcomeStore } from "./outcome-store.ts";

/**
 * What makes each stream that gateways and workers share, by the stream's name: the registry, the checkpoints, and
 * what became of commands. A stream that exists stays as it is.
 */
export function sharedStreams(
  connection: NatsConnection,
  replicas: number,
): [stream: string, make: () => Promise<unknown>][] {
  return [
    [bucketStream("registry"), () => openBucket(connection, "registry", replicas)],
    [bucketStream("checkpoints"), () => openBucket(connection, "checkpoints", replicas)],
    [bucketStream("outcomes"), () => OutcomeStore.open(connection, replicas)],
    [bucketStream("ingestions"), () => openBucket(connection, "ingestions", replicas, ingestionsKeptMs)],
    [deadLetterStream, () => DeadLetters.open(connection, replicas)],
  ];
}
