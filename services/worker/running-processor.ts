import { setTimeout as sleep } from "node:timers/promises";
import { KatoChannel } from "../../libs/kato/channel.ts";
import { purgeKeys } from "../../libs/nats/buckets.ts";
import { nextSending } from "../../libs/nats/next-sending.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import type { Lease } from "./assignment/lease.ts";
import { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { WorkerMetrics } from "./metrics.ts";
import { clockWith } from "./model/clock.ts";
import type { Remembered } from "./processor/processor-environment.ts";
import { Reports } from "./processor/reports.ts";
import { Requests, sendReply } from "./processor/requests.ts";
import { ProcessorSlot } from "./processor/slot.ts";
import type { WorkerContext } from "./worker-context.ts";
import { historyOf } from "./worker-context.ts";

/** How long requests that have reached a processor that is stopped may take to be answered. */
const drainMs = 500;

/** A processor that this worker runs. */
export interface RunningProcessor {
  entry: ProcessorEntry;
  lease: Lease;
  slot: ProcessorSlot;
  requests: Requests;
  reports: Reports;
  /** The promise of its stop, once that has begun. */
  stopping?: Promise<void>;
}

/**
 * Makes what runs a processor under this lease. `slot.start` starts it. `onLeaseLost` is called when the
 * lease is lost.
 */
export function runProcessor(
  { nats, stores, settings, instanceContext, tracing, log, storeTime }: WorkerContext,
  metrics: WorkerMetrics,
  {
    entry,
    lease,
    remembered,
    onLeaseLost,
    idleProbeMs,
  }: {
    entry: ProcessorEntry;
    lease: Lease;
    remembered: Remembered;
    onLeaseLost: () => void;
    idleProbeMs: () => number;
  },
): RunningProcessor {
  const { id } = entry;
  const telemetry = { metrics, tracing, log: log.child({ processor: id }) };
  const slot = new ProcessorSlot({
    processor: id,
    lease,
    port: new KatoChannel(
      entry.grpc_endpoint,
      (endpoint) => settings.endpointPolicy(endpoint, entry.source),
      entry.grpc_tls ? instanceContext : undefined,
    ),
    settings: { ...settings, idleProbeMs },
    stores: {
      ...stores,
      checkpoints: new CheckpointStore(stores.checkpoints, id, lease, (keys) =>
        purgeKeys(nats.connection, "checkpoints", keys),
      ),
    },
    events: {
      reply: (subject, reply) => {
        const send = () => sendReply(nats, subject, reply);
        nextSending()
          .then(send)
          .catch((err) => telemetry.log.error({ err }, "cannot send a reply"));
      },
      leaseLost: onLeaseLost,
      stateChanged: () => reports.report(),
    },
    telemetry,
    clock: clockWith(storeTime),
    remembered,
  });
  const reports = new Reports(nats.connection, slot, async () => {
    const last = await stores.logs.last(id);
    slot.sawEnd(last);
    return last;
  });
  return { entry, lease, slot, requests: new Requests(nats, slot, telemetry), reports };
}

/** Stops a processor, and gives its lease back. `onStopped` is called in between. */
export async function stopProcessor(
  { slot, lease, requests }: RunningProcessor,
  metrics: WorkerMetrics,
  onStopped: () => void,
): Promise<void> {
  // Requests that have reached this worker are still answered by it.
  await Promise.race([requests.drain(), sleep(drainMs)]);
  await slot.stop().finally(onStopped);
  metrics.leaseChanged(lease.held ? "given-back" : "lost");
  await lease.release();
}

/** Trims its log to what a rebuild and the history need. A failure is logged, as it is tried again in a while. */
export async function trimLog({ slot, entry }: RunningProcessor, context: WorkerContext): Promise<void> {
  await slot.trim(historyOf(context)).catch((error) => {
    context.log.warn({ err: error, processor: entry.id }, "cannot trim the log");
  });
}
