import { status as grpc } from "@grpc/grpc-js";
import type { Changes } from "../checkpoint/transitions.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import type { Context } from "./context.ts";

/**
 * Ends a step: the checkpoint takes it in and its outcome is told, with nothing between, so that it is told
 * once.
 *
 * An outcome other than success is persisted before anything else is called. Reconciling counts on that: it
 * takes every step that lies before an Observe which has ticked for a success.
 */
export async function concludeStep(
  { checkpoint, instance, memory, outcomes }: Context,
  step: Step,
  changes: Changes,
  outcome: StepOutcome,
): Promise<void> {
  checkpoint.update(changes);
  // A failure may be the database's. Then the commands behind it wait for the database instead of failing
  // too.
  if (outcome.outcome === "failed" && outcome.grpcStatus === grpc.OK) instance.suspectDatabase();
  if (memory.suspect && (step.method === "Learn" || outcome.autoLearnedModel !== "")) {
    memory.suspect.hasLearned = true;
  }
  outcomes.concludeStep(step, outcome);
  if (outcome.outcome !== "applied") await checkpoint.flush();
}
