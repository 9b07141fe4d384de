import type { Subscription } from "@nats-io/transport-node";
import { purgeKeys } from "../../libs/nats/buckets.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import { isDeadLetter } from "./answers/outcomes.ts";
import { Applier } from "./applier/applier.ts";
import { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { Lease } from "./leases/lease.ts";
import type { WorkerMetrics } from "./metrics.ts";
import { Reports } from "./reports.ts";
import { answerRequests, sendReply } from "./requests.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** A processor that a worker runs. */
export interface Running {
  entry: ProcessorEntry;
  applier: Applier;
  lease: Lease;
  subscriptions: Subscription[];
  reports: Reports;
  /** Its stop, once that has begun. */
  stopping?: Promise<void>;
}

/** Makes what runs a processor under this lease; it is begun with its applier's `start`. `onLost`: the lease is gone. */
export function runningOf(
  options: WorkerOptions,
  metrics: WorkerMetrics,
  { entry, lease, onLost }: { entry: ProcessorEntry; lease: Lease; onLost: () => void },
): Running {
  const { nats, logs, checkpoints, ingestions, outcomes, endpointPolicy, callTimeoutMs, tracing, log, name } =
    options;
  const { id } = entry;
  const applier = new Applier({
    processor: id,
    endpoint: entry.grpc_endpoint,
    endpointPolicy,
    worker: name,
    mayCall: () => lease.held,
    onLeaseLost: onLost,
    logs,
    checkpoints: new CheckpointStore(checkpoints, id, (keys) =>
      purgeKeys(nats.connection, "checkpoints", keys),
    ),
    ingestions,
    send: (subject, reply) => sendReply(nats, subject, reply),
    record: (command, reply) => {
      metrics.concluded({ processor: id, outcome: reply.outcome });
      if (isDeadLetter(command, reply.outcome)) metrics.deadLettered(id);
      return outcomes.record(command, reply);
    },
    claim: (command) => outcomes.claim(command),
    recovered: (method, outcome, count) => metrics.recovered({ processor: id, method, outcome }, count),
    onState: () => reports.report(),
    callTimeoutMs,
    telemetry: { metrics, tracing },
    log,
  });
  const reports = new Reports(
    nats.connection,
    () => applier.state,
    () => logs.last(id),
  );
  return { entry, applier, lease, subscriptions: answerRequests(nats, applier, options), reports };
}
