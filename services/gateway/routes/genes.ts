import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { checkGenes } from "../genes.ts";
import { invalid } from "../observation.ts";
import type { RouteOptions } from "../request-calls.ts";
import { callKato, callRecallThresholdChange, envelope } from "../request-calls.ts";
import { GeneParams, GenesBody, IncrementBody, ProcessorParams } from "../schemas.ts";
import { hasData, unwrapData } from "../unwrap-data.ts";
import { dataOf } from "./predictions.ts";

const defaultIncrement = 0.01;

/** Genes: KATO's settings at run time. */
const genes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/:id/gene/:gene", { schema: { params: GeneParams } }, async (request, reply) => {
    const answer = await callKato({ options, request, reply }, "GetGene", { gene: request.params.gene });
    return envelope(answer, dataOf(answer));
  });

  app.post(
    "/:id/genes/change",
    { schema: { params: ProcessorParams, body: GenesBody } },
    async (request, reply) => {
      const { body } = request;
      const isWrapped = hasData(body);
      if (isWrapped && !isObject(body.data)) invalid("data", "must be an object of genes");
      const answer = await callKato({ options, request, reply }, "UpdateGenes", {
        genes: checkGenes(isWrapped ? { ...body.data } : body),
      });
      return envelope(answer, isWrapped ? "updated-genes" : "genes-updated");
    },
  );

  app.post(
    "/:id/gene/increment-recall-threshold",
    { schema: { params: ProcessorParams, body: IncrementBody }, preValidation: unwrapData },
    async (request, reply) => {
      const increment = request.body.increment ?? defaultIncrement;
      const answer = await callRecallThresholdChange({ options, request, reply }, increment);
      return envelope(answer, dataOf(answer));
    },
  );
};

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export default genes;
