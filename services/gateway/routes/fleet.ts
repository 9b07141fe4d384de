import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { decodeResponse, encodeRequest } from "../../../libs/kato/codec.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import type { Backend } from "../backend.ts";
import { sendQuery } from "../calls.ts";
import { processorNotFound } from "../fleet/refusals.ts";
import type { RouteOptions } from "../request-calls.ts";
import { ProcessorParams } from "../schemas.ts";

/** The gateway itself, and all its processors. */
const fleet: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/kato-api/ping", async () => ({ status: "okay" }));

  app.get("/health", async () => ({ status: "healthy", processors: countOf(options) }));

  app.get("/ready", { schema: { response: { 200: Type.Object({ status: Type.String() }) } } }, async () => {
    const { nats, registry } = options.backend();
    if (options.stopping.aborted) throw new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.");
    if (!nats.connected) throw new GatewayError("NATS_UNAVAILABLE", "NATS cannot be reached.");
    if (!(await registry.answers(readyTimeoutMs))) {
      throw new GatewayError("NATS_UNAVAILABLE", "JetStream does not answer.");
    }
    return { status: "ready" };
  });

  app.get("/processors", async () => {
    const backend = options.backend();
    return { processors: backend.registry.list().map((entry) => describe(backend, entry)) };
  });

  app.get("/processors/:id", { schema: { params: ProcessorParams } }, async (request) => {
    const backend = options.backend();
    const { id } = request.params;
    const entry = backend.registry.get(id);
    if (!entry) throw processorNotFound(id);
    request.processor = id;
    return describe(backend, entry);
  });

  app.get("/connect", async ({ trace }) => {
    const backend = options.backend();
    const entries = backend.registry.list();
    const nodes = await Promise.all(
      entries.map(async (entry) => ({ data: await genomeNode(backend, entry, trace) })),
    );
    const only = entries.length === 1 ? { id: entries[0]?.id } : {};
    return {
      status: "okay",
      connection: "okay",
      genie: "kato-gateway",
      genome: {
        ...only,
        agent: "kato-gateway",
        description: "The processors behind this gateway.",
        elements: { nodes },
      },
    };
  });
};

const readyTimeoutMs = 1_000;

/** How many processors are known; the gateway is alive before it has reached NATS, and knows of none then. */
function countOf(options: RouteOptions): number {
  try {
    return options.backend().registry.list().length;
  } catch {
    return 0;
  }
}

/** A processor as the operators see it (API.md, The gateway). */
export function describe({ states }: Backend, { id, name, grpc_endpoint, source }: ProcessorEntry) {
  const report = states.get(id);
  const described = { id, name, endpoint: grpc_endpoint, source };
  if (!report)
    return {
      ...described,
      healthy: false,
      state: "unowned",
      depth: null,
      oldest_seconds: null,
      applied: null,
    };
  const { state, since, reason, worker, applied, interval, rate, degraded } = report;
  const { last, depth, oldestMs } = states.queue(id) ?? { last: report.last, depth: 0, oldestMs: 0 };
  return {
    ...described,
    healthy: state !== "down",
    state,
    since: new Date(since).toISOString(),
    ...(reason !== "" && { reason }),
    ...(degraded !== "" && { degraded }),
    worker,
    last,
    applied,
    depth,
    oldest_seconds: Math.round(oldestMs / 100) / 10,
    rate,
    interval,
  };
}

const shownGenes = ["max_predictions", "recall_threshold", "persistence"] as const;
const geneWaitMs = 2_000;

/** A processor as the genome shows it; a gene that cannot be asked for is null, so one that is down hinders no other (A8). */
async function genomeNode(backend: Backend, { id, name }: ProcessorEntry, trace: TraceContext | undefined) {
  const genes: Record<string, Json> = {};
  for (const gene of shownGenes) genes[gene] = await geneOf(backend, id, gene, trace).catch(() => null);
  return { name, id, classifier: "CVC", search_depth: 10, ...genes };
}

async function geneOf(
  backend: Backend,
  processor: string,
  gene: string,
  trace: TraceContext | undefined,
): Promise<Json> {
  const data = encodeRequest("GetGene", { gene });
  const outgoing = { processor, method: "GetGene", data, waitMs: geneWaitMs, trace };
  const { reply } = await sendQuery(backend, outgoing);
  const { response } = decodeResponse("GetGene", Buffer.from(reply.data));
  return (response as JsonObject | undefined)?.data ?? null;
}

export default fleet;
