import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { queueDepth } from "../../../../libs/commands/log/queue-depth.ts";
import { isFreeId, isProcessorId } from "../../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { isEndpoint, isName } from "../../../../libs/registry/processor-entry.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { removeWithData, unregistered } from "../../fleet/remove-data.ts";
import { invalid, processorNotFound } from "../../http/problem.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import * as described from "./description.ts";
import { processorView } from "./processor-view.ts";

export const ProcessorBody = Type.Object({
  name: Type.Optional(
    Type.String({
      description:
        "What people call it, 1 to 128 printable characters; without it the one it has, else its id",
    }),
  ),
  grpc_endpoint: Type.String({ description: "`host:port` of its instance's gRPC server" }),
});

const flag = (description: string) =>
  Type.Optional(Type.Union([Type.Literal("true"), Type.Literal("false")], { description }));

const RemoveQuery = Type.Object({
  force: flag("`true` removes it although commands are still queued"),
  data: flag(
    "`true` also removes its command log, its checkpoint and all records of its commands, for good; " +
      "also of a processor that was removed before",
  ),
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
      const { grpc_endpoint } = request.body;
      const isAllowed = backend.registry.get(id) ? isProcessorId(id) : isFreeId(id);
      if (!isAllowed) invalid("id", "must be 1 to 64 of A-Z a-z 0-9 _ -, and no path of the gateway");
      if (!isEndpoint(grpc_endpoint)) invalid("grpc_endpoint", "must be host:port");
      const name = request.body.name ?? backend.registry.get(id)?.name ?? id;
      if (!isName(name)) invalid("name", "must be 1 to 128 printable characters");
      const refusal = await backend.endpointPolicy(grpc_endpoint);
      if (refusal !== undefined) invalid("grpc_endpoint", refusal);
      const isKnown = backend.registry.get(id) !== undefined;
      if (!isKnown && backend.registry.list().length >= maxProcessors) throw registryFull(id);
      const entry = { id, name, grpc_endpoint, source: "rest" as const };
      const before = backend.registry.get(id)?.grpc_endpoint;
      request.auditDetail = { endpoint: grpc_endpoint, ...(before !== undefined && { before }) };
      const isNew = await withNats(backend, id, async () => {
        // The log comes first, because a registered processor can be sent commands at once.
        await backend.logs.ensure(id);
        return backend.registry.put(entry);
      });
      reply.code(isNew ? 201 : 200);
      return processorView(backend, entry);
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
      const { force, data } = request.query;
      const isRegistered = backend.registry.get(id) !== undefined;
      request.auditDetail = { data: data === "true" };
      if (isRegistered) request.processor = id;
      else if (data !== "true" || !unregistered(backend).includes(id)) throw processorNotFound(id);
      await withNats(backend, id, async () => {
        if (isRegistered && force !== "true") await checkNothingQueued(backend, id);
        if (data === "true") await removeWithData(backend, id);
        else await backend.registry.remove(id);
      });
      return { id, time_stamp: Date.now() / 1_000, status: "okay", message: "removed" };
    },
  );
};

async function checkNothingQueued({ logs, stores, states }: Backend, processor: string): Promise<void> {
  const depth = await queueDepth(logs, stores.checkpoints, processor, states.get(processor)?.applied);
  if (depth > 0) throw stillQueued(processor, depth);
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
