import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { CheckpointBook } from "../checkpoint/checkpoint.ts";
import type { Position } from "../checkpoint/position.ts";
import type { Call } from "../instance/call.ts";
import type { Result } from "./result.ts";
import type { Step } from "./step.ts";

/** What applying, settling and rebuilding need of the world; a test gives them a simulated one. */
export interface Context {
  /** One RPC to the instance. Never rejects but when the lease is gone (A4). */
  call: Call;
  book: CheckpointBook;
  /** The steps that stand in the log from a position on, up to the command at `through`, in order. */
  readSteps(from: Position, through: number): AsyncIterable<Step>;
  /** The first sequence that the log still holds, or would hold were it not empty. */
  firstKept(): Promise<number>;
  /** Waits, as between two questions to an instance that may still be at it. */
  pause(ms: number): Promise<void>;
  /** How long an instance may be at one call. */
  callTimeoutMs: number;
  processor: string;
  /**
   * Told, once the checkpoint has it in memory, of every step that came to its end, whether it was just called or found
   * applied by reconciling.
   */
  conclude: (step: Step, result: Result) => void;
  /** Counts a step of recovery: what it was, what came of it, and how many. */
  recovered: (step: "reconcile" | "settle" | "rebuild" | "replay", outcome: string, count?: number) => void;
  /** What the latest Observe was answered, which may not be in the checkpoint yet. */
  seen: { at: Position; result: Result } | null;
  log: Pick<Logger, "info" | "warn" | "error">;
}

/** Between two questions to an instance that may still be at it. */
export const askAgainMs = 50;
