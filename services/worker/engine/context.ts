import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { Instance } from "../instance/instance.ts";
import type { Position } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";

/**
 * One processor, as applying and recovering need it. There is one for as long as its worker runs the
 * processor.
 */
export interface Context {
  instance: Instance;
  checkpoint: CheckpointWriter;
  history: History;
  /** Told of every step that has come to its end, once the checkpoint has it in memory. */
  outcomes: { concludeStep(step: Step, outcome: StepOutcome): void };
  recovery: Recovery;
  /** Waits, as between two questions to an instance that may still be at a call. */
  pause(ms: number): Promise<void>;
  memory: Memory;
  log: Pick<Logger, "info" | "warn" | "error">;
}

/** The processor's log, as steps. Both reject with NatsAway where it cannot be read. */
export interface History {
  /** The steps that stand in the log from a position on, up to the command at `through`, in order. */
  steps(from: Position, through: number): AsyncIterable<Step>;
  /** The first sequence that the log still holds, or would hold were it not empty. */
  firstKept(): Promise<number>;
}

export interface Recovery {
  /** Whether working memory is restored after calls that were none of this worker's (FOREIGN_OBSERVES). */
  mendsForeignCalls: boolean;
  /** Counts steps of recovery, and what came of each. */
  count(step: RecoveryStep, outcome: string, count?: number): void;
}

export type RecoveryStep = "reconcile" | "settle" | "rebuild" | "replay" | "foreign";

/** What is known of the instance in this life of the worker alone. A later life has to do without it. */
export interface Memory {
  /** What the latest Observe was answered. The checkpoint may not have it yet. */
  latestAnswer: { at: Position; outcome: StepOutcome } | null;
  /**
   * How many Observes of the log may have ticked without being in the checkpoint: 1 while one is under way or
   * its end was not seen, Infinity before the first reconciling, as nobody knows what an earlier worker has
   * sent. More ticks are foreign.
   */
  unaccounted: number;
  /** A call of an earlier worker that may still reach the instance; null where there is none. */
  suspect: Suspect | null;
}

/**
 * A call that an earlier worker had in hand when its lease ended: frozen before it was written, the worker
 * may wake up and write it. Of an Observe the tick tells; of any other call only what is known of it here.
 */
export interface Suspect {
  /** An RPC, a compound command, or "rebuild" for any call of a rebuild. */
  method: string;
  /**
   * How often the models were learned that working memory made lately, by their names: before the suspect can
   * have learned them.
   */
  frequencies: Map<string, number>;
  /** Whether anything was learned since. */
  hasLearned: boolean;
}

/** Between two questions to an instance that may still be at a call. */
export const askAgainMs = 50;
