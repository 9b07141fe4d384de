import { status as grpc } from "@grpc/grpc-js";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { observeNotBegun, passed } from "../checkpoint/effects.ts";
import { QuestionFailed } from "../instance/call.ts";
import { Interrupted } from "../interruptions.ts";
import { conclude } from "./conclude.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import { refused, resultOf } from "./result.ts";
import type { Step } from "./step.ts";

/** A call that does not tick. An interval lower than expected is a restart that the connection has not shown. */
export async function callInStep(
  { book, call }: Context,
  method: Method,
  request: Uint8Array,
): Promise<Result> {
  const result = resultOf(await call(method, request));
  if (method === "ClearAllMemory" || result.grpcStatus !== grpc.OK) return result;
  if (readResponseFields(result.data).interval < book.current.interval) {
    throw new Interrupted("the instance has restarted");
  }
  return result;
}

/**
 * What has to be asked before a step's call. Where KATO answers that with a failure, as when MongoDB is away, the step is not
 * begun: that failure is its result.
 */
export async function prepared<T>(
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
    const changes = isObserve ? observeNotBegun(context.book.current, step) : passed(step);
    await conclude(context, step, changes, { ...why, data: error.data });
    return undefined;
  }
}
