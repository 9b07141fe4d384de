import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../libs/kato/compound-commands.ts";
import { dataOf, envelope, wrappedGenes } from "../answers.ts";
import { checkGenes } from "../genes.ts";
import { invalid } from "../invalid.ts";
import type { RouteOptions } from "../request-calls.ts";
import { askKato, commandKato, runCommand } from "../request-calls.ts";
import { GeneParams, GenesBody, IncrementBody, ProcessorParams } from "../schemas.ts";
import { hasData, unwrapData } from "../unwrap-data.ts";

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
      return runCommand({ options, request, reply }, { method: changeRecallThresholdMethod, data });
    },
  );
};

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export default genes;
