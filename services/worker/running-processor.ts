import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { LogIdentity } from "../../libs/commands/log/log-identity.ts";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import type { IngestionStore } from "../../libs/commands/outcomes/ingestion-store.ts";
import { KatoChannel } from "../../libs/kato/channel.ts";
import type { InstanceContext } from "../../libs/kato/instance-tls.ts";
import { bucketStream, purgeKeys } from "../../libs/nats/buckets.ts";
import type { NatsLink } from "../../libs/nats/connection.ts";
import { endOfTurn } from "../../libs/nats/end-of-turn.ts";
import type { StoreRoom } from "../../libs/nats/store-room.ts";
import type { StoreTime } from "../../libs/nats/store-time.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { LateCallBoard } from "./assignment/late-call-board.ts";
import type { Lease } from "./assignment/lease.ts";
import { lengthenLives } from "./assignment/lease-bucket.ts";
import { Leases } from "./assignment/leases.ts";
import { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { WorkerFacts, WorkerMetrics } from "./metrics.ts";
import { createWorkerMetrics } from "./metrics.ts";
import { clockWith } from "./model/clock.ts";
import type { OutcomeRecorder } from "./outcomes/outcome-recorder.ts";
import type { Remembered } from "./processor/processor-environment.ts";
import { Reports } from "./processor/reports.ts";
import { Requests, sendReply } from "./processor/requests.ts";
import type { HistoryLimit } from "./processor/retention-limit.ts";
import { ProcessorSlot } from "./processor/slot.ts";
import type { WorkerSettings } from "./settings.ts";

/** In a cluster a server may come to know a moment later how a stream was changed. */
const knownAfterMs = 10_000;

/** What a worker process works with. There is one in each process. */
export interface WorkerContext {
  /** The worker's name, in leases and reports. */
  name: string;
  nats: NatsLink;
  room: Pick<StoreRoom, "stateWith">;
  stores: {
    logs: CommandLogs;
    identity: LogIdentity;
    checkpoints: KV;
    ingestions: IngestionStore;
    outcomes: OutcomeRecorder;
    lateCalls: LateCallBoard;
    /** The bucket of leases, whose entries live for LEASE_MS. */
    leases: KV;
    registry: Registry;
  };
  settings: Pick<
    WorkerSettings,
    | "natsReplicas"
    | "processors"
    | "leaseMs"
    | "callTimeoutMs"
    | "mendsForeignCalls"
    | "endpointPolicy"
    | "history"
    | "trimEveryMs"
    | "latencyByProcessor"
  >;
  /** For instances with TLS. */
  instanceContext: InstanceContext;
  tracing: Tracing | undefined;
  log: Logger;
  storeTime: StoreTime;
}

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

/** The metrics of a worker. `states` are those of its processors. */
export function metricsOf(
  { nats, stores, settings, storeTime }: WorkerContext,
  states: () => ProcessorState[],
): WorkerMetrics {
  const facts: WorkerFacts = {
    states,
    isRegistered: (processor) => stores.registry.get(processor) !== undefined,
    natsReconnects: () => nats.reconnects,
    clockSkewMs: () => storeTime.skewMs,
  };
  return createWorkerMetrics(facts, settings.latencyByProcessor);
}

/** Opens the leases of this worker. `onChange` is called when a lease or a worker has come or gone. */
export function openLeasesOf(
  { name: worker, nats, stores, settings, log }: WorkerContext,
  onChange: () => void,
): Promise<Leases> {
  const { connection } = nats;
  return Leases.open({
    bucket: stores.leases,
    ...{ worker, leaseMs: settings.leaseMs, onChange, log },
    lengthenLives: (ms) => lengthenLives(connection, bucketStream("leases"), ms),
    knownAfterMs: connection.info?.cluster ? knownAfterMs : 0,
  });
}

/** What the logs keep besides what a rebuild needs: nothing while JetStream's storage fills up. */
export function historyOf({ room, settings }: WorkerContext): HistoryLimit {
  return room.stateWith() === "ample" ? settings.history : { commands: 0, ageMs: 0 };
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
        endOfTurn()
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
