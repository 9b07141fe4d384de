import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import type { Context } from "./context.ts";
import { noteLearned } from "./learned-here.ts";

/**
 * Ends a step: changes the checkpoint and tells the outcome. Nothing comes between the two, so the outcome is
 * told once.
 *
 * An outcome other than success is persisted before anything else is called. Reconciling counts on that: if
 * an Observe has ticked, it takes every step before that Observe for a success.
 */
export async function concludeStep(
  context: Context,
  step: Step,
  changes: Changes,
  outcome: StepOutcome,
): Promise<void> {
  const { checkpoint, instance, outcomes } = context;
  noteLearned(context, step, outcome);
  checkpoint.update(changes);
  // It may have failed because the database is away. Then the next commands wait for the database instead of
  // failing too.
  if (outcome.outcome === "failed" && outcome.grpcStatus === grpc.OK) instance.suspectDatabase();
  outcomes.concludeStep(step, outcome);
  if (outcome.outcome !== "applied") await checkpoint.flush();
}
