import { emptied } from "../checkpoint/transitions.ts";
import { ask } from "../instance/questions.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";

/**
 * Concludes an Observe whose auto-learn failed: KATO has dropped the events. They are not observed again, as
 * that would set off the auto-learn again, for ever.
 */
export async function dropLostEvents(
  context: Context,
  step: Step,
  interval: number,
  outcome: StepOutcome,
): Promise<void> {
  const { replayFrom, events } = context.checkpoint.current;
  const where = { sequence: step.at.sequence, from: replayFrom.sequence, events };
  context.log.error(where, "the auto-learn failed, its events are lost; the command log still has them");
  await ask(context.instance, "ClearWorkingMemory", {});
  const detail = "the auto-learn failed and KATO has dropped its events";
  const changes = { ...emptied(step), interval };
  await concludeStep(context, step, changes, { ...outcome, outcome: "failed", detail });
}
