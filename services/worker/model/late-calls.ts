import type { Position } from "./position.ts";

/** A call that a worker had under way when its lease ended. */
export interface LateCall {
  /** The command's place in the log; null for a call that the worker made by itself. */
  at: Position | null;
  method: string;
  /**
   * Unix ms, by the worker's clock: before the call was handed to the connection, and when its end was
   * noticed.
   */
  begunMs: number;
  endedMs: number;
  /** How it ended, as `CallResult` says. */
  end: string;
}

/**
 * What a worker tells whoever owns the processor after it: that it has no call under way any more, and which
 * ones were late.
 */
export interface LateCallReport {
  processor: string;
  worker: string;
  calls: LateCall[];
}
