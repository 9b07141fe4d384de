import type { CallOptions } from "../../../libs/kato/channel.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";

/**
 * The connection to a processor's KATO instance, as `Instance` needs it. `KatoChannel` is the one over gRPC.
 * The crash schedules have another, which can break at any point.
 */
export interface InstancePort {
  /** Whether there is a connection. */
  readonly ready: boolean;
  /**
   * How often a connection was established. Another number means another connection, and perhaps the instance
   * has restarted.
   */
  readonly connections: number;
  /** Why no connection may be made to this endpoint; undefined if one may be made. */
  readonly refusal: string | undefined;
  /** What answers at the endpoint and is no gRPC server, in words for people; undefined if nothing does. */
  readonly answering?: string | undefined;
  /** Why TLS with the endpoint failed, in words for people; undefined if it did not. */
  readonly tlsFailure?: string | undefined;
  /** Connects, unless there is a connection. Resolves to whether there is one within `timeoutMs`. */
  connect(timeoutMs: number): Promise<boolean>;
  /** Resolves at the next change of the connection, or after `timeoutMs`. */
  stateChange(timeoutMs?: number): Promise<void>;
  /**
   * Makes one call over the present connection. `options.mayWrite` is asked just before the bytes are
   * written. Never rejects. Ends after `timeoutMs` at the latest.
   */
  call(method: Method, request: Uint8Array, timeoutMs: number, options?: CallOptions): Promise<CallResult>;
  /** Closes the connection. Calls under way end as `unseen`. */
  close(): void;
}
