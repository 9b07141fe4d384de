import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { outcomeOf } from "../model/step-outcome.ts";
import type { Context } from "./context.ts";

/**
 * Makes the call of an Observe of the log. From when it may have been sent its tick is accounted for, until
 * it is concluded.
 */
export async function callObserve({ instance, memory }: Context, step: Step): Promise<StepOutcome> {
  memory.unaccounted = 1;
  const result = await instance.call("Observe", step.request);
  if (result.kind === "not-sent") memory.unaccounted = 0;
  return outcomeOf(result);
}
