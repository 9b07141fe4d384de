import type { CallOptions } from "../../../libs/kato/channel.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";

/**
 * The connection to a processor's KATO instance, as `Instance` needs it. `KatoChannel` is one by gRPC; the
 * tests of recovery have one that breaks at any point.
 */
export interface InstancePort {
  /** Whether a connection stands. */
  readonly ready: boolean;
  /**
   * How often a connection was made: another number is another connection, and may be another start of the
   * instance.
   */
  readonly connections: number;
  /** Why no connection may be made to this endpoint; undefined where it may. */
  readonly refusal: string | undefined;
  /** Whether a connection stands, or comes up within `timeoutMs`. */
  connect(timeoutMs: number): Promise<boolean>;
  /** Resolves at the next change of the connection, or after `timeoutMs`. */
  stateChange(timeoutMs?: number): Promise<void>;
  /**
   * Makes one call over the connection that stands, if it may be written when all else is ready. Never
   * rejects; ends after `timeoutMs` at the latest.
   */
  call(method: Method, request: Uint8Array, timeoutMs: number, options?: CallOptions): Promise<CallResult>;
  /** Gives the connection up; calls under way end as `unseen`. */
  close(): void;
}
