import type { Position } from "../model/position.ts";
import { comparePositions } from "../model/position.ts";
import type { Context } from "./context.ts";

/** The method of the step at this position; undefined if the log does not have it any more. */
export async function methodAt({ history }: Context, at: Position): Promise<string | undefined> {
  for await (const step of history.steps({ sequence: at.sequence, step: 0 }, at.sequence)) {
    if (comparePositions(step.at, at) === 0) return step.method;
  }
  return undefined;
}
