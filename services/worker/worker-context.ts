import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { LogIdentity } from "../../libs/commands/log/log-identity.ts";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import type { IngestionStore } from "../../libs/commands/outcomes/ingestion-store.ts";
import type { InstanceContext } from "../../libs/kato/instance-tls.ts";
import type { NatsLink } from "../../libs/nats/connection.ts";
import type { StoreRoom } from "../../libs/nats/store-room.ts";
import type { StoreTime } from "../../libs/nats/store-time.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { LateCallBoard } from "./assignment/late-call-board.ts";
import type { WorkerFacts, WorkerMetrics } from "./metrics.ts";
import { createWorkerMetrics } from "./metrics.ts";
import type { OutcomeRecorder } from "./outcomes/outcome-recorder.ts";
import type { HistoryLimit } from "./processor/retention-limit.ts";
import type { WorkerSettings } from "./settings.ts";

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

/** What the logs keep besides what a rebuild needs: nothing while JetStream's storage fills up. */
export function historyOf({ room, settings }: WorkerContext): HistoryLimit {
  return room.stateWith() === "ample" ? settings.history : { commands: 0, ageMs: 0 };
}
