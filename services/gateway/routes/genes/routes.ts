import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../../libs/kato/compound-commands.ts";
import { wrappedGenes } from "../../dispatch/answer.ts";
import { dataOf } from "../../dispatch/kato-response.ts";
import { runCommand, runEncoded } from "../../dispatch/run-command.ts";
import { runQuery } from "../../dispatch/run-query.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { dataIn, hasData, unwrapData } from "../../http/bodies.ts";
import { invalid } from "../../http/problem.ts";
import { mapOf, ProcessorId, ProcessorParams } from "../../http/schemas.ts";
import { checkGenes } from "./check-genes.ts";
import * as described from "./description.ts";

const GeneParams = Type.Object({
  id: ProcessorId,
  gene: Type.String({ description: "The gene's name", examples: ["recall_threshold"] }),
});

/** `{"data": {gene: value}}` or `{gene: value}`. checkGenes says which genes and values there are. */
const GenesBody = mapOf(Type.Unknown());

const IncrementBody = Type.Object({
  increment: Type.Optional(
    Type.Number({ minimum: -1, maximum: 1, description: "What is added to it; 0.01 without it" }),
  ),
});

const defaultIncrement = 0.01;

/** Genes: KATO's settings at run time. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/:id/gene/:gene",
    { schema: { params: GeneParams }, config: { operation: described.read, scope: "read" } },
    (request, reply) => {
      const { gene } = request.params;
      return runQuery({ options, request, reply }, "GetGene", { gene }, dataOf);
    },
  );

  app.post(
    "/:id/genes/change",
    {
      schema: { params: ProcessorParams, body: GenesBody },
      config: { operation: described.change, scope: "write" },
    },
    async (request, reply) => {
      const { body } = request;
      // The body is not unwrapped by a hook, because the answer's wording depends on where the genes were.
      const isWrapped = hasData(body);
      if (isWrapped && !isObject(body.data)) invalid("data", "must be an object of genes");
      const genes = checkGenes(isWrapped ? { ...dataIn(body) } : body);
      const form = isWrapped ? wrappedGenes : undefined;
      return runCommand({ options, request, reply }, "UpdateGenes", { genes }, form);
    },
  );

  app.post(
    "/:id/gene/increment-recall-threshold",
    {
      schema: { params: ProcessorParams, body: IncrementBody },
      config: { operation: described.incrementRecallThreshold, scope: "write" },
      preValidation: unwrapData,
    },
    async (request, reply) => {
      const increment = request.body.increment ?? defaultIncrement;
      const data = encodeRecallThresholdChange({ increment });
      return runEncoded({ options, request, reply }, { method: changeRecallThresholdMethod, data });
    },
  );
};

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export default routes;
