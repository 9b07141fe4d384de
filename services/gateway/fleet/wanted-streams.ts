import type { NatsConnection } from "@nats-io/transport-node";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { DeadLetters, deadLetterStream } from "../../../libs/commands/outcomes/dead-letters.ts";
import { ingestionsKeptMs } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { OutcomeStore } from "../../../libs/commands/outcomes/outcome-store.ts";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import type { Registry } from "../../../libs/registry/registry.ts";
import type { ProcessorStates } from "./processor-states.ts";

/** What makes each stream that a gateway uses, by the stream's name. */
export function wantedStreams({
  connection,
  replicas,
  logs,
  registry,
  states,
}: {
  connection: NatsConnection;
  replicas: number;
  logs: CommandLogs;
  registry: Registry;
  states: ProcessorStates;
}): Map<string, () => Promise<unknown>> {
  const ofLogs = registry
    .list()
    .map(({ id }) => [streamOf(id), () => logs.ensure(id, states.lastKnown(id))] as const);
  return new Map<string, () => Promise<unknown>>([
    [bucketStream("registry"), () => openBucket(connection, "registry", replicas)],
    [bucketStream("checkpoints"), () => openBucket(connection, "checkpoints", replicas)],
    [bucketStream("outcomes"), () => OutcomeStore.open(connection, replicas)],
    [bucketStream("ingestions"), () => openBucket(connection, "ingestions", replicas, ingestionsKeptMs)],
    [deadLetterStream, () => DeadLetters.open(connection, replicas)],
    ...ofLogs,
  ]);
}
