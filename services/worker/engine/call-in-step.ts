import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
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
 * Makes a call that does not tick. Throws Interrupted if its end was not seen, or if its answer shows that
 * the instance has restarted.
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
 * Asks what has to be known before a step's call, and notes that the step is begun. Until the answer is there
 * nothing was called for the step, so it can be cancelled (A7). Throws NotBegun if it was. If KATO answers with
 * a failure, for example because MongoDB is away, the call is not made. The step is concluded with that failure,
 * and this resolves to undefined.
 */
export async function askBefore<T>(
  context: Context,
  step: Step,
  question: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const known = await question();
    context.begin(step);
    return known;
  } catch (error) {
    if (!(error instanceof QuestionFailed)) throw error;
    context.begin(step);
    const why = refused(grpc.OK, "KATO could not be asked what was needed before");
    const isObserve = step.method === "Observe";
    const changes = isObserve ? observeNotBegun(context.checkpoint.current, step) : passed(step);
    await concludeStep(context, step, changes, { ...why, data: error.data });
    return undefined;
  }
}
