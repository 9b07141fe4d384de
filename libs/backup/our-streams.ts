import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { isProcessorId, streamOf } from "../commands/messages/subjects.ts";
import { deadLetterStream } from "../commands/outcomes/dead-letters.ts";
import type { BucketName } from "../nats/buckets.ts";
import { bucketStream } from "../nats/buckets.ts";

const logPrefix = streamOf("");

/** Every bucket of the system. TypeScript asks for each new one. */
const buckets: Record<BucketName, true> = {
  registry: true,
  checkpoints: true,
  leases: true,
  ingestions: true,
  outcomes: true,
  lateCalls: true,
};
const sharedStreams = new Set([
  deadLetterStream,
  ...(Object.keys(buckets) as BucketName[]).map(bucketStream),
]);

/** The names of all streams of this system that NATS has. */
export async function listStreams(connection: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const names: string[] = [];
  for await (const name of manager.streams.names()) names.push(name);
  return names.filter((name) => sharedStreams.has(name) || processorOf(name) !== undefined);
}

/** The processor whose command log a stream is; undefined if it is none. */
export function processorOf(stream: string): string | undefined {
  const id = stream.startsWith(logPrefix) ? stream.slice(logPrefix.length) : "";
  return isProcessorId(id) ? id : undefined;
}
