import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { queueDepth } from "../../../../libs/commands/log/queue-depth.ts";
import { isFreeId, isProcessorId } from "../../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { ProcessorEntry } from "../../../../libs/registry/processor-entry.ts";
import { isEndpoint, isName } from "../../../../libs/registry/processor-entry.ts";
import type { Principal } from "../../access/principal.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { removeWithData, unregistered } from "../../fleet/remove-data.ts";
import { invalid, processorNotFound } from "../../http/problem.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

const oneOfDiscoveries = (description: string) =>
  Type.Optional(Type.Union([Type.Literal("docker"), Type.Literal("kubernetes")], { description }));

export const ProcessorBody = Type.Object({
  name: Type.Optional(
    Type.String({
      description:
        "What people call it, 1 to 128 printable characters; without it the one it has, else its id",
    }),
  ),
  grpc_endpoint: Type.String({ description: "`host:port` of its instance's gRPC server" }),
  source: oneOfDiscoveries(
    "The discovery that has found it, which counts less than whatever else has registered the id",
  ),
  grpc_tls: Type.Optional(
    Type.Boolean({
      description: "Whether the instance is connected to with TLS; without it as it is now, else without TLS",
    }),
  ),
});

const flag = (description: string) =>
  Type.Optional(Type.Union([Type.Literal("true"), Type.Literal("false")], { description }));

const RemoveQuery = Type.Object({
  force: flag("`true` removes it although commands are still queued"),
  data: flag(
    "`true` also removes its command log, its checkpoint and all records of its commands, for good; " +
      "also of a processor that was removed before",
  ),
  source: oneOfDiscoveries("Removes it only if this discovery has registered it"),
});

/** Each costs every gateway and its worker memory, and NATS a stream that stays. */
const maxProcessors = 10_000;

/** Registering, changing and removing processors. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.put(
    "/processors/:id",
    {
      schema: { params: ProcessorParams, body: ProcessorBody },
      config: { operation: described.put, scope: "admin", discovery: true, audit: "processor.registered" },
    },
    async (request, reply) => {
      const backend = options.backend();
      const { id } = request.params;
      const { grpc_endpoint, source = "rest" } = request.body;
      checkSource(request.principal, source);
      const isAllowed = backend.registry.get(id) ? isProcessorId(id) : isFreeId(id);
      if (!isAllowed) invalid("id", "must be 1 to 64 of A-Z a-z 0-9 _ -, and no path of the gateway");
      if (!isEndpoint(grpc_endpoint)) invalid("grpc_endpoint", "must be host:port");
      const known = backend.registry.get(id);
      const name = request.body.name ?? known?.name ?? id;
      if (!isName(name)) invalid("name", "must be 1 to 128 printable characters");
      const location = await backend.endpointPolicy(grpc_endpoint, source);
      if ("refusal" in location) invalid("grpc_endpoint", location.refusal);
      if (!known && backend.registry.list().length >= maxProcessors) throw registryFull(id);
      const isTls = request.body.grpc_tls ?? known?.grpc_tls === true;
      const entry: ProcessorEntry = { id, name, grpc_endpoint, ...(isTls && { grpc_tls: true }), source };
      request.auditDetail = { source, ...moveOf(known, grpc_endpoint) };
      const isNew = await withNats(backend, id, async () => {
        // The log comes first, because a registered processor can be sent commands at once.
        await backend.logs.ensure(id);
        if (source === "rest") return backend.registry.put(entry);
        if (!(await backend.registry.declare(entry))) throw outranked(backend, id);
        return known === undefined;
      });
      reply.code(isNew ? 201 : 200);
      return processorView(backend, backend.registry.get(id) ?? entry);
    },
  );

  app.delete(
    "/processors/:id",
    {
      schema: { params: ProcessorParams, querystring: RemoveQuery },
      config: { operation: described.remove, scope: "admin", discovery: true, audit: "processor.removed" },
    },
    async (request) => {
      const backend = options.backend();
      const { id } = request.params;
      const { force, data, source } = request.query;
      checkSource(request.principal, source);
      if (source !== undefined && (force === "true" || data === "true"))
        invalid("source", "cannot be combined with force or data");
      const isRegistered = backend.registry.get(id) !== undefined;
      request.auditDetail = { data: data === "true" };
      if (isRegistered) request.processor = id;
      else if (data !== "true" || !(await withNats(backend, id, () => hasLeftData(backend, id))))
        throw processorNotFound(id);
      const isOfOther = source !== undefined && backend.registry.get(id)?.source !== source;
      if (isOfOther) throw processorNotFound(id);
      await withNats(backend, id, async () => {
        if (isRegistered && force !== "true") await checkNothingQueued(backend, id);
        if (data === "true") await removeWithData(backend, id);
        else if (source === undefined) await backend.registry.remove(id);
        else if (!(await backend.registry.withdraw(id, source))) throw processorNotFound(id);
      });
      return { id, time_stamp: Date.now() / 1_000, status: "okay", message: "removed" };
    },
  );
};

/** Discovery changes what its own source has found, and nothing else. Throws FORBIDDEN. */
function checkSource({ grants }: Principal, source: string | undefined): void {
  if (grants.scope !== "discovery" || grants.source === source) return;
  const detail = `This principal may register for the source ${grants.source} only.`;
  throw new GatewayError("FORBIDDEN", detail, { effect: "none" });
}

/**
 * What the audit trail tells of an endpoint. Where it is moved to one at which the processor's instance never was,
 * the working memory of the processor will be replayed to somebody new.
 */
function moveOf(known: ProcessorEntry | undefined, endpoint: string) {
  const before = known?.grpc_endpoint;
  if (before === undefined || before === endpoint) return { endpoint };
  return { endpoint, before, is_new_place: !known?.former_endpoints?.includes(endpoint) };
}

/** Whether NATS still has the log of a processor that is not registered. */
async function hasLeftData(backend: Backend, processor: string): Promise<boolean> {
  if (unregistered(backend).includes(processor)) return true;
  // The last look may be older than the log's removal from the registry, or than NATS's coming back.
  await backend.streams.look();
  return unregistered(backend).includes(processor);
}

async function checkNothingQueued({ logs, stores, states }: Backend, processor: string): Promise<void> {
  const depth = await queueDepth(logs, stores.checkpoints, processor, states.applied(processor));
  if (depth > 0) throw stillQueued(processor, depth);
}

function outranked({ registry }: Backend, processor: string): GatewayError {
  const source = registry.get(processor)?.source ?? "another source";
  return new GatewayError("OUTRANKED", `${processor} is registered by ${source}, which counts.`, {
    processor,
    effect: "none",
  });
}

function registryFull(processor: string): GatewayError {
  return new GatewayError(
    "REGISTRY_FULL",
    `${maxProcessors} processors are registered, and no more may be.`,
    {
      processor,
      effect: "none",
    },
  );
}

function stillQueued(processor: string, depth: number): GatewayError {
  return new GatewayError("STILL_QUEUED", `${depth} commands are not applied yet; ?force=true leaves them.`, {
    processor,
    effect: "none",
  });
}

export default routes;
