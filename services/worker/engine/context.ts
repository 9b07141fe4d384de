import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { Instance } from "../instance/instance.ts";
import type { Position } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";

/** One processor, as applying and recovering need it. There is one for as long as its worker runs the processor. */
export interface Context {
  instance: Instance;
  checkpoint: CheckpointWriter;
  history: History;
  /** Told of every step that has come to its end, once the checkpoint has it in memory. */
  outcomes: { concludeStep(step: Step, outcome: StepOutcome): void };
  /** Counts steps of recovery, and what came of each. */
  recoveries: { count(step: RecoveryStep, outcome: string, count?: number): void };
  /** Waits, as between two questions to an instance that may still be at a call. */
  pause(ms: number): Promise<void>;
  /** What the latest Observe was answered. The checkpoint may not have it yet. */
  latestAnswer: { at: Position; outcome: StepOutcome } | null;
  log: Pick<Logger, "info" | "warn" | "error">;
}

/** The processor's log, as steps. Both reject with NatsAway where it cannot be read. */
export interface History {
  /** The steps that stand in the log from a position on, up to the command at `through`, in order. */
  steps(from: Position, through: number): AsyncIterable<Step>;
  /** The first sequence that the log still holds, or would hold were it not empty. */
  firstKept(): Promise<number>;
}

export type RecoveryStep = "reconcile" | "settle" | "rebuild" | "replay";

/** Between two questions to an instance that may still be at a call. */
export const askAgainMs = 50;
