import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { sequenceMethod } from "../../../../libs/kato/compound.ts";
import { encodeObserveSequence, formOfSequence } from "../../dispatch/observe-sequence.ts";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { newUniqueId, runCommand } from "../../dispatch/run-command.ts";
import { invalid } from "../../http/invalid.ts";
import { checkObservation } from "../../http/observation.ts";
import type { ObservationBody } from "../../http/schemas.ts";
import { ProcessorParams, SequenceBody } from "../../http/schemas.ts";
import { unwrapData } from "../../http/unwrap-data.ts";

/** Several observations as one command that nothing comes between (docs/api.md, Many observations). */
const observeSequence: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.post(
    "/:id/observe-sequence",
    { schema: { params: ProcessorParams, body: SequenceBody }, preValidation: unwrapData },
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
      return runCommand({ options, request, reply }, { method: sequenceMethod, data, form });
    },
  );
};

/** As `checkObservation`, naming the item. */
function checkItem(observation: ObservationBody, index: number): void {
  try {
    checkObservation(observation);
  } catch (error) {
    const [wrong] = error instanceof GatewayError ? (error.context.errors ?? []) : [];
    if (!wrong) throw error;
    invalid(`observations[${index}].${wrong.field}`, wrong.detail);
  }
}

export default observeSequence;
