import { emptied } from "../checkpoint/effects.ts";
import { ask } from "../instance/call.ts";
import { conclude } from "./conclude.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { Step } from "./step.ts";

/** After an auto-learn that failed: KATO has dropped the events, and a replay would set it off again for ever. */
export async function dropLostEvents(
  context: Context,
  step: Step,
  interval: number,
  result: Result,
): Promise<void> {
  const { replayFrom, events } = context.book.current;
  const where = { sequence: step.at.sequence, from: replayFrom.sequence, events };
  context.log.error(where, "the auto-learn failed, its events are lost; the command log still has them");
  await ask(context.call, "ClearWorkingMemory", {});
  const detail = "the auto-learn failed and KATO has dropped its events";
  await conclude(context, step, { ...emptied(step), interval }, { ...result, outcome: "failed", detail });
}
