import { streamOf } from "../../libs/commands/messages/subjects.ts";
import { sharedStreams } from "../../libs/commands/outcomes/shared-streams.ts";
import { bucketStream, openBucket } from "../../libs/nats/buckets.ts";
import { ensureLeases } from "./assignment/lease-bucket.ts";
import type { Worker } from "./worker.ts";
import type { WorkerContext } from "./worker-context.ts";

/** How long reports of late calls are kept: as long as a worker may be frozen. */
export const lateCallsKeptMs = 24 * 3_600_000;

/** What makes each stream that a worker uses, by the stream's name. */
export function wantedStreams(
  { nats, stores, settings, log }: WorkerContext,
  worker: Worker | undefined,
): Map<string, () => Promise<unknown>> {
  const { connection } = nats;
  const { natsReplicas: replicas, leaseMs } = settings;
  const { logs, registry } = stores;
  const running = [...(worker?.slots ?? [])].filter(({ id }) => registry.get(id));
  const ofLogs = running.map(
    (slot) => [streamOf(slot.id), () => logs.ensure(slot.id, slot.state.last)] as const,
  );
  return new Map<string, () => Promise<unknown>>([
    ...sharedStreams(connection, replicas),
    [bucketStream("leases"), () => ensureLeases(connection, replicas, leaseMs, log)],
    [bucketStream("lateCalls"), () => openBucket(connection, "lateCalls", replicas, lateCallsKeptMs)],
    ...ofLogs,
  ]);
}
