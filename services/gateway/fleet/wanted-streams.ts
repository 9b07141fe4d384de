import type { NatsConnection } from "@nats-io/transport-node";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { sharedStreams } from "../../../libs/commands/outcomes/shared-streams.ts";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import type { Registry } from "../../../libs/registry/registry.ts";
import { AuditTrail, auditStream } from "../access/audit-trail.ts";
import type { ProcessorStates } from "./processor-states.ts";

/** What makes each stream that a gateway uses, by the stream's name. */
export function wantedStreams({
  connection,
  replicas,
  auditDays: days,
  logs,
  registry,
  states,
}: {
  connection: NatsConnection;
  replicas: number;
  auditDays: number;
  logs: CommandLogs;
  registry: Registry;
  states: ProcessorStates;
}): Map<string, () => Promise<unknown>> {
  const ofLogs = registry
    .list()
    .map(({ id }) => [streamOf(id), () => logs.ensure(id, states.lastKnown(id))] as const);
  return new Map<string, () => Promise<unknown>>([
    ...sharedStreams(connection, replicas),
    [bucketStream("keys"), () => openBucket(connection, "keys", replicas)],
    [auditStream, () => AuditTrail.open(connection, { replicas, days })],
    ...ofLogs,
  ]);
}
