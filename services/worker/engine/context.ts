import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { Instance } from "../instance/instance.ts";
import type { Position } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";

/**
 * What the functions of the engine need of one processor. There is one for as long as its worker runs the
 * processor.
 */
export interface Context {
  instance: Instance;
  checkpoint: CheckpointWriter;
  history: History;
  /**
   * Notes that the call of this step is about to be made. To be called just before it, once everything has been
   * asked that has to be known for it. Throws NotBegun if the command must not be begun any more.
   */
  begin(step: Step): void;
  /** `concludeStep` is called for every step that has ended, once the checkpoint in memory has it. */
  outcomes: { concludeStep(step: Step, outcome: StepOutcome): void };
  recovery: Recovery;
  /** Waits, for example between two questions to an instance that may still be busy with a call. */
  pause(ms: number): Promise<void>;
  memory: Memory;
  log: Pick<Logger, "info" | "warn" | "error">;
}

/** The processor's log, as steps. Both functions reject with NatsAway if it cannot be read. */
export interface History {
  /** Yields the steps that are in the log, in order, from a position on up to the command at `through`. */
  steps(from: Position, through: number): AsyncIterable<Step>;
  /**
   * The first sequence that the log still has. If the log is empty, the sequence that the next command will
   * get.
   */
  firstKept(): Promise<number>;
}

export interface Recovery {
  /** Whether working memory is restored after calls that this worker did not make (FOREIGN_OBSERVES). */
  mendsForeignCalls: boolean;
  /** Counts a step of recovery by what came of it. `count` is how often, once unless it is given. */
  count(step: RecoveryStep, outcome: string, count?: number): void;
}

export type RecoveryStep = "reconcile" | "settle" | "rebuild" | "replay" | "foreign";

/**
 * What only this run of the worker knows of the instance. It is not persisted, so a later worker does not
 * know it.
 */
export interface Memory {
  /** The outcome of the latest Observe, by its answer. The checkpoint may not have that Observe yet. */
  latestAnswer: { at: Position; outcome: StepOutcome } | null;
  /** The Observe that was taken back last, to be applied again (`takeBack`); null if there was none. */
  takenBack: Position | null;
  /**
   * How many Observes of the log may have ticked without being in the checkpoint. It is 1 while an Observe is
   * under way or its end was not seen. It is Infinity before the first reconciling, because nobody knows what
   * an earlier worker has sent. All ticks beyond that number are foreign.
   */
  unaccounted: number;
  /**
   * Events of vectors whose symbols are not in the checkpoint yet, in order: the place in the log, and the
   * place in working memory.
   */
  unaskedVectors: { at: Position; index: number }[];
  /** A call of an earlier worker that may still reach the instance; null if there is none. */
  suspect: Suspect | null;
  /**
   * What this worker has had learned since the last ClearAllMemory and not deleted: a late call may take it. Of many
   * models only the first are noted.
   */
  learned: { models: Set<string>; hasVectors: boolean };
}

/**
 * A call that an earlier worker was about to make when its lease ended. That worker may have been frozen
 * before it sent the call, and may send it when it wakes up. An Observe is noticed by its tick. Any other
 * call does not tick, so what is needed to notice it is kept here.
 */
export interface Suspect {
  /** An RPC, a compound command, or "rebuild" for any call of a rebuild. */
  method: string;
  /**
   * After each step the model is noted that a Learn would make at that moment: its name, and how often it was
   * learned so far. If the suspected call is a Learn, it can only have learned one of these.
   */
  frequencies: Map<string, number>;
  /** How many vectors the instance had learned at the last check of a suspected Learn; undefined before the first. */
  vectors?: number;
}

/** How long to wait between two questions to an instance that may still be busy with a call. */
export const askAgainMs = 50;
