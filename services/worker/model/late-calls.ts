import type { Position } from "./position.ts";

/** A call that a worker had under way when its lease ended. */
export interface LateCall {
  /** The command's place in the log; null for a call that the worker made by itself. */
  at: Position | null;
  method: string;
  /**
   * `begunMs` is the time before the call was handed to the connection. `endedMs` is when its end was
   * noticed. Both are Unix ms by the worker's clock.
   */
  begunMs: number;
  endedMs: number;
  /** How it ended, as `CallResult` says. */
  end: string;
  /** Whether KATO has answered that it failed. Older versions do not tell it. */
  failed?: boolean;
}

/**
 * What a worker that has lost a lease tells the processor's next owner. It says that the worker has no call
 * under way any more, and which of its calls were late.
 */
export interface LateCallReport {
  processor: string;
  worker: string;
  calls: LateCall[];
  /**
   * Whether that worker itself still expected a late call, of a worker before it. That call may come yet. Older
   * versions do not tell it.
   */
  isExpecting?: boolean;
}
