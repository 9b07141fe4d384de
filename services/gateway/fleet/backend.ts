import type { KV } from "@nats-io/kv";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { OutcomeStore } from "../../../libs/commands/outcomes/outcome-store.ts";
import type { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import type { Inbox } from "../../../libs/nats/inbox.ts";
import type { StoreTime } from "../../../libs/nats/store-time.ts";
import type { StreamKeeper } from "../../../libs/nats/stream-keeper.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { Registry } from "../../../libs/registry/registry.ts";
import type { AuditTrail } from "../access/audit-trail.ts";
import type { Authenticator } from "../access/authenticate.ts";
import type { KeyStore } from "../access/key-store.ts";
import type { LimitReached, Limits } from "../http/limits.ts";
import type { GatewayMetrics } from "../http/metrics.ts";
import { processorNotFound } from "../http/problem.ts";
import type { CommandRoom } from "./command-room.ts";
import { registryIncomplete } from "./errors.ts";
import type { KeptRecords } from "./kept-records.ts";
import type { KeysInHand } from "./keys-in-hand.ts";
import type { ProcessorStates } from "./processor-states.ts";
import type { Registrations } from "./registrations.ts";

/**
 * The rest of the system as the gateway uses it. A gateway has one of these, from when NATS is first reached.
 */
export interface Backend {
  nats: NatsLink;
  registry: Registry;
  registrations: Registrations;
  streams: StreamKeeper;
  states: ProcessorStates;
  logs: CommandLogs;
  room: CommandRoom;
  replies: Inbox<Reply>;
  stores: Stores;
  /** The time by JetStream's clock. */
  storeTime: StoreTime;
  queueLimits: QueueLimits;
  kept: Kept;
  keysInHand: KeysInHand;
  keys: KeyStore;
  auditTrail: AuditTrail;
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

/** How much is kept of what became of requests. */
export interface Kept {
  outcomes: KeptRecords;
  ingestions: KeptRecords;
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
  limits: Limits;
  /** Called when a client has reached one of them. */
  reached: LimitReached;
  /** What says whose a key is. */
  auth: Authenticator;
}

/**
 * Refuses a request to a processor that is not registered before its body is read. Until NATS was reached
 * nobody knows which are, so the route decides then. The route that registers processors is let through.
 */
export function refuseUnknownProcessors(app: FastifyInstance, backend: () => Backend): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const isOfProcessor = /^\/(processors\/)?:id\//.test(request.routeOptions.url ?? "");
    const { id } = request.params as { id?: string };
    const reached = isOfProcessor ? ifReached(backend) : undefined;
    const isUnknown = reached && id !== undefined && !reached.registry.get(id);
    done(isUnknown ? unknownProcessor(reached, id) : undefined);
  });
}

/**
 * The error for a processor that is not in the registry: that it is not registered, or that nobody can say so
 * while the registry is being made anew.
 */
export function unknownProcessor({ registrations }: Backend, processor: string): GatewayError {
  return registrations.areInView
    ? processorNotFound(processor)
    : registryIncomplete({ processor, effect: "none" });
}

/** The rest of the system; undefined until NATS was reached. */
export function ifReached(backend: () => Backend): Backend | undefined {
  try {
    return backend();
  } catch {
    return undefined;
  }
}

/** The processor that a request's path names. Throws what `unknownProcessor` says. */
export function targetOf(
  options: RouteOptions,
  request: FastifyRequest<{ Params: { id: string } }>,
): { backend: Backend; processor: string } {
  const backend = options.backend();
  const processor = request.params.id;
  if (!backend.registry.get(processor)) throw unknownProcessor(backend, processor);
  request.processor = processor;
  return { backend, processor };
}
