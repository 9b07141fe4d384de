import type { KV } from "@nats-io/kv";
import type { FastifyRequest } from "fastify";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { OutcomeStore } from "../../../libs/commands/outcomes/outcome-store.ts";
import type { ReplyInbox } from "../../../libs/commands/outcomes/reply-inbox.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import type { StoreTime } from "../../../libs/nats/store-time.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { Registry } from "../../../libs/registry/registry.ts";
import type { GatewayMetrics } from "../http/metrics.ts";
import { processorNotFound } from "./errors.ts";
import type { ProcessorStates } from "./processor-states.ts";

/**
 * The rest of the system as the gateway uses it. A gateway has one of these, from when NATS is first reached.
 */
export interface Backend {
  nats: NatsLink;
  registry: Registry;
  states: ProcessorStates;
  logs: CommandLogs;
  replies: ReplyInbox;
  stores: Stores;
  /** The time by JetStream's clock. */
  storeTime: StoreTime;
  queueLimits: QueueLimits;
  endpointPolicy: EndpointPolicy;
}

/** What NATS keeps beside the command logs. */
export interface Stores {
  outcomes: OutcomeStore;
  deadLetters: DeadLetters;
  ingestions: IngestionStore;
  /** The workers' checkpoints, which the gateway only reads. */
  checkpoints: KV;
}

/** How much may wait for one processor before commands are refused. */
export interface QueueLimits {
  /** How many commands may be stored and not yet applied. */
  maxDepth: number;
  /** How old the oldest of them may be; -1 for no limit. */
  maxAgeMs: number;
}

/** What every route is given. */
export interface RouteOptions {
  /** Throws NATS_UNAVAILABLE until NATS was reached for the first time. */
  backend: () => Backend;
  /** Aborted when the gateway is to stop. */
  stopping: AbortSignal;
  metrics: GatewayMetrics;
}

/** The processor that a request's path names. Throws PROCESSOR_NOT_FOUND if it is not registered. */
export function targetOf(
  options: RouteOptions,
  request: FastifyRequest<{ Params: { id: string } }>,
): { backend: Backend; processor: string } {
  const backend = options.backend();
  const processor = request.params.id;
  if (!backend.registry.get(processor)) throw processorNotFound(processor);
  request.processor = processor;
  return { backend, processor };
}
