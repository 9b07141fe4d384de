import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { decodeResponse, encodeRequest } from "../../../../libs/kato/codec.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import type { ProcessorEntry } from "../../../../libs/registry/processor-entry.ts";
import type { TraceContext } from "../../../../libs/telemetry/trace-context.ts";
import { coversProcessor } from "../../access/grants.ts";
import { dataOf } from "../../dispatch/kato-response.ts";
import { sendQuery } from "../../dispatch/send-query.ts";
import type { Backend, RouteOptions } from "../../fleet/backend.ts";
import { genome } from "./description.ts";

const shownGenes = ["max_predictions", "recall_threshold", "persistence"] as const;
const geneWaitMs = 2_000;

/** The genome: all processors, in the form in which KATO's own clients expect them. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/connect",
    { config: { operation: genome, scope: "read" } },
    async ({ trace, principal: { grants } }) => {
      const backend = options.backend();
      const entries = backend.registry.list().filter(({ id }) => coversProcessor(grants, id));
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
    },
  );
};

/**
 * One processor. A gene that gets no answer is null, so that a processor that is down delays no other (A8).
 */
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
  const query = { method: "GetGene", data: encodeRequest("GetGene", { gene }), trace };
  const reply = await sendQuery(backend, processor, query, geneWaitMs);
  return dataOf(decodeResponse("GetGene", reply.data));
}

export default routes;
