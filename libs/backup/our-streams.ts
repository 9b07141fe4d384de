import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { processorOfStream } from "../commands/messages/subjects.ts";
import { deadLetterStream } from "../commands/outcomes/dead-letters.ts";
import { allBuckets, bucketStream } from "../nats/buckets.ts";

/** The audit trail of the gateways, whose code nobody else knows. */
const auditStream = "KATO-AUDIT";
const sharedStreams = new Set([deadLetterStream, auditStream, ...allBuckets.map(bucketStream)]);

/** The names of all streams of this system that NATS has. */
export async function listStreams(connection: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const names: string[] = [];
  for await (const name of manager.streams.names()) names.push(name);
  return names.filter((name) => sharedStreams.has(name) || processorOfStream(name) !== undefined);
}
