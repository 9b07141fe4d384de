import type { Position } from "../model/position.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";

/** The step at this position; undefined if the log does not have it any more. */
export async function stepAt({ history }: Context, at: Position): Promise<Step | undefined> {
  for await (const step of history.steps({ sequence: at.sequence, step: 0 }, at.sequence)) {
    if (comparePositions(step.at, at) === 0) return step;
  }
  return undefined;
}

/** The method of that step. */
export async function methodAt(context: Context, at: Position): Promise<string | undefined> {
  return (await stepAt(context, at))?.method;
}
