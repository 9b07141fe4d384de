import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { sequenceMethod } from "../../../../libs/kato/compound-commands.ts";
import { newUniqueId } from "../../dispatch/command-ids.ts";
import { encodeObserveSequence, formOfSequence } from "../../dispatch/observe-sequence.ts";
import { runEncoded } from "../../dispatch/run-command.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { unwrapData } from "../../http/bodies.ts";
import { checkObservation, ObservationBody } from "../../http/observation.ts";
import { invalid } from "../../http/problem.ts";
import { ProcessorParams } from "../../http/schemas.ts";
import { observeSequence } from "./description.ts";

/**
 * The most that one sequence may have. Nothing comes between its steps, so a longer one would keep all other
 * clients of the processor waiting, and its answer would be larger than NATS takes by default.
 */
const maxObservations = 10_000;

export const SequenceBody = Type.Object({
  observations: Type.Array(ObservationBody, {
    minItems: 1,
    maxItems: maxObservations,
    description: "In their order",
  }),
  learn_after_each: Type.Optional(Type.Boolean({ description: "A Learn after each of them" })),
  learn_at_end: Type.Optional(Type.Boolean({ description: "A Learn after the last" })),
  clear_working_memory_between: Type.Optional(
    Type.Boolean({ description: "A ClearWorkingMemory between two of them" }),
  ),
});

/**
 * Several observations as one command that no other command comes between (docs/api.md, Many observations).
 */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.post(
    "/:id/observe-sequence",
    {
      schema: { params: ProcessorParams, body: SequenceBody },
      config: { operation: observeSequence, scope: "write", observes: true },
      preValidation: unwrapData,
    },
    async (request, reply) => {
      const { observations, ...wanted } = request.body;
      observations.forEach(checkItem);
      const uniqueId = newUniqueId(request);
      const all = observations.map((observation, index) => ({
        ...observation,
        unique_id: observation.unique_id || `${uniqueId}.${index}`,
      }));
      const steps = {
        learn_after_each: wanted.learn_after_each ?? false,
        learn_at_end: wanted.learn_at_end ?? false,
        clear_working_memory_between: wanted.clear_working_memory_between ?? false,
      };
      const data = encodeObserveSequence(all, steps);
      const form = formOfSequence(steps);
      return runEncoded({ options, request, reply }, { method: sequenceMethod, data, form });
    },
  );
};

/**
 * Checks an item as `checkObservation` does. The names of wrong fields begin with the item's place in the
 * list.
 */
function checkItem(observation: ObservationBody, index: number): void {
  try {
    checkObservation(observation);
  } catch (error) {
    const [wrong] = error instanceof GatewayError ? (error.context.errors ?? []) : [];
    if (!wrong) throw error;
    invalid(`observations[${index}].${wrong.field}`, wrong.detail);
  }
}

export default routes;
