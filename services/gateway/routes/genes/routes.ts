import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { changeRecallThreshold, encodeRecallThresholdChange } from "../../../../libs/kato/compound.ts";
import { dataOf, envelope, wrappedGenes } from "../../dispatch/answer.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { askKato, commandKato, runCommand } from "../../dispatch/run-command.ts";
import { invalid } from "../../http/invalid.ts";
import { GeneParams, GenesBody, IncrementBody, ProcessorParams } from "../../http/schemas.ts";
import { hasData, unwrapData } from "../../http/unwrap-data.ts";
import { checkGenes } from "./check-genes.ts";

const defaultIncrement = 0.01;

/** Genes: KATO's settings at run time. */
const genes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get("/:id/gene/:gene", { schema: { params: GeneParams } }, async (request, reply) => {
    const answer = await askKato({ options, request, reply }, "GetGene", { gene: request.params.gene });
    return envelope(answer, dataOf(answer));
  });

  app.post(
    "/:id/genes/change",
    { schema: { params: ProcessorParams, body: GenesBody } },
    async (request, reply) => {
      const { body } = request;
      const isWrapped = hasData(body);
      if (isWrapped && !isObject(body.data)) invalid("data", "must be an object of genes");
      const changed = { genes: checkGenes(isWrapped ? { ...body.data } : body) };
      const form = isWrapped ? wrappedGenes : undefined;
      return commandKato({ options, request, reply }, "UpdateGenes", changed, form);
    },
  );

  app.post(
    "/:id/gene/increment-recall-threshold",
    { schema: { params: ProcessorParams, body: IncrementBody }, preValidation: unwrapData },
    async (request, reply) => {
      const increment = request.body.increment ?? defaultIncrement;
      const data = encodeRecallThresholdChange({ increment });
      return runCommand({ options, request, reply }, { method: changeRecallThreshold, data });
    },
  );
};

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export default genes;
