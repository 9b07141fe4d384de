import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { Step } from "./step.ts";

/**
 * Ends a step: takes it into the checkpoint and tells it, with nothing between, so that it is told once.
 *
 * What did not succeed is persisted before anything else is called: reconciling takes what stands in the log between two ticks
 * for done.
 */
export async function conclude(
  { book, conclude: tell }: Context,
  step: Step,
  changes: Partial<Checkpoint>,
  result: Result,
): Promise<void> {
  book.note(changes);
  tell(step, result);
  if (result.outcome !== "applied") await book.flush();
}
