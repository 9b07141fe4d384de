import { status as grpc } from "@grpc/grpc-js";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { observeNotBegun, passed } from "../checkpoint/transitions.ts";
import { QuestionFailed } from "../instance/questions.ts";
import { Interrupted } from "../model/interruptions.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { outcomeOf, refused } from "../model/step-outcome.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";

/**
 * Makes a call that does not tick. Throws Interrupted where its end was not seen, or it shows that the
 * instance has restarted.
 */
export async function callInStep(
  { checkpoint, instance }: Context,
  method: Method,
  request: Uint8Array,
): Promise<StepOutcome> {
  const outcome = outcomeOf(await instance.call(method, request));
  // Only ClearAllMemory sets the interval back by itself.
  if (method === "ClearAllMemory" || outcome.grpcStatus !== grpc.OK) return outcome;
  if (readResponseFields(outcome.data).interval < checkpoint.current.interval) {
    throw new Interrupted("the instance has restarted");
  }
  return outcome;
}

/**
 * Asks what has to be known before a step's call. Where KATO answers that with a failure, as when MongoDB is
 * away, the step is not begun: it is concluded with that failure, and undefined is returned.
 */
export async function askBefore<T>(
  context: Context,
  step: Step,
  question: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof QuestionFailed)) throw error;
    const why = refused(grpc.OK, "KATO could not be asked what was needed before");
    const isObserve = step.method === "Observe";
    const changes = isObserve ? observeNotBegun(context.checkpoint.current, step) : passed(step);
    await concludeStep(context, step, changes, { ...why, data: error.data });
    return undefined;
  }
}
