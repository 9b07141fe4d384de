import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { IngestionStore } from "../../libs/commands/outcomes/ingestion-store.ts";
import type { NatsLink } from "../../libs/nats/connection.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { OutcomeRecorder } from "./answers/outcomes.ts";
import type { History } from "./history/trim.ts";

export interface WorkerOptions {
  /** Its name in reports. */
  name: string;
  nats: NatsLink;
  logs: CommandLogs;
  checkpoints: KV;
  ingestions: IngestionStore;
  outcomes: OutcomeRecorder;
  /** The bucket of leases, whose entries live for `leaseMs`. */
  leases: KV;
  leaseMs: number;
  registry: Registry;
  endpointPolicy: EndpointPolicy;
  /** The ids whose appliers it runs, or `*` for all. */
  processors: string[] | "*";
  callTimeoutMs: number;
  history: History;
  trimEveryMs: number;
  tracing: Tracing | undefined;
  log: Logger;
}
