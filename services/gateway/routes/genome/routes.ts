import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { decodeResponse, encodeRequest } from "../../../../libs/kato/codec.ts";
import type { Json, JsonObject } from "../../../../libs/kato/json.ts";
import type { ProcessorEntry } from "../../../../libs/registry/processor-entry.ts";
import type { TraceContext } from "../../../../libs/telemetry/trace-context.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { sendQuery } from "../../dispatch/send-command.ts";
import type { Backend } from "../../open-backend.ts";

/** The genome: all processors, as KATO's own clients ask for them. */
const genome: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
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

export default genome;
