import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { passed } from "../checkpoint/transitions.ts";
import { concludeStep } from "../engine/conclude-step.ts";
import type { Context } from "../engine/context.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { keyTaken, unknown } from "../model/step-outcome.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";
import type { ProcessorParts } from "./processor-parts.ts";

/** Leaves a command out whose client has stopped waiting, and tells its client. Does nothing if it may be begun. */
export async function expire(
  environment: ProcessorEnvironment,
  parts: ProcessorParts,
  command: StoredCommand,
  outcome: StepOutcome,
): Promise<void> {
  if (!parts.gate.forbid(command.sequence)) return;
  await takeOut(environment, parts, command);
  parts.outcomes.tell(command, outcome);
}

/** Leaves a command out whose Idempotency-Key another command has. It was not begun. */
export async function leaveOutForKey(
  environment: ProcessorEnvironment,
  parts: ProcessorParts,
  command: StoredCommand,
): Promise<void> {
  parts.gate.leaveOut(command.sequence);
  await takeOut(environment, parts, command);
  parts.outcomes.tellLeftOut(command, keyTaken);
}

/**
 * Passes a step whose answer makes no sense, so that it does not stop the log. Nobody can say what became of it (A7).
 */
export async function passOver(context: Context, step: Step): Promise<"applied"> {
  await concludeStep(context, step, passed(step), unknown("the instance's answer makes no sense"));
  return "applied";
}

/**
 * Removes a command from the log. Before that, it is persisted that the command must not be begun: NATS may
 * remove it later than it says, and by then another worker may have read it (A2). The checkpoint passes it once
 * it is removed.
 */
async function takeOut(
  { processor, stores }: ProcessorEnvironment,
  { context: { checkpoint } }: ProcessorParts,
  { sequence }: StoredCommand,
): Promise<void> {
  await checkpoint.flush();
  await stores.logs.delete(processor, sequence);
  checkpoint.update({ applied: sequence, step: 0 });
}
