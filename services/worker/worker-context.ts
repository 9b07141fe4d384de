import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { LogIdentity } from "../../libs/commands/log/log-identity.ts";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import type { IngestionStore } from "../../libs/commands/outcomes/ingestion-store.ts";
import type { InstanceContext } from "../../libs/kato/instance-tls.ts";
import { bucketStream } from "../../libs/nats/buckets.ts";
import type { NatsLink } from "../../libs/nats/connection.ts";
import type { StoreRoom } from "../../libs/nats/store-room.ts";
import type { StoreTime } from "../../libs/nats/store-time.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { LateCallBoard } from "./assignment/late-call-board.ts";
import { lengthenLives } from "./assignment/lease-bucket.ts";
import { Leases } from "./assignment/leases.ts";
import type { WorkerFacts, WorkerMetrics } from "./metrics.ts";
import { createWorkerMetrics } from "./metrics.ts";
import type { OutcomeRecorder } from "./outcomes/outcome-recorder.ts";
import type { HistoryLimit } from "./processor/retention-limit.ts";
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
    /** The bucket of leases, whose entries live for LEASE_MS or longer. */
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
