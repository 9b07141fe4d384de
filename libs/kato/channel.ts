import { connectivityState, status } from "@grpc/grpc-js";
import { pathOf } from "./codec.ts";
import { GrpcClient } from "./grpc-client.ts";
import { HostAddresses } from "./host-addresses.ts";
import type { InstanceContext } from "./instance-tls.ts";
import { InstanceTls } from "./instance-tls.ts";
import { Peer } from "./peer-kind.ts";
import { ReconnectPace } from "./reconnect-pace.ts";
import type { Method } from "./rpcs.ts";
import type { CallResult, UnaryCall, UnaryRequest } from "./unary-call.ts";
import { startUnaryCall } from "./unary-call.ts";

/** What else a call may be given: see `UnaryRequest`. */
export type CallOptions = Pick<UnaryRequest, "trace" | "mayWrite">;

/** Says why no connection may be made to an endpoint; undefined if it may. Never rejects. */
type RefusalOf = (endpoint: string) => Promise<string | undefined>;

const connectingLimitMs = 5_000;

/**
 * The gRPC channel to one instance, for requests and responses as bytes.
 *
 * It connects by itself, and again whenever the connection is lost, with a backoff from 100 ms on. For
 * 2 s the backoff is 200 ms at most, then 1 s (`ReconnectPace`). grpc-js fixes the longest backoff of a client, so
 * its client is replaced by one with another.
 *
 * If the other side accepts a TCP connection and then stays silent, grpc-js would be connecting for ever. So its
 * client is replaced if that takes 5 s, at the end of the 2 s, and at a `connect` once the host has other addresses
 * than before.
 *
 * It connects directly, whatever proxy the environment names: an instance is no web site.
 *
 * A call is sent only over an established connection and never twice, so the retries of grpc-js are off (A3).
 * Its keepalive pings are off too: KATO's server sends a GOAWAY to whoever pings more often than every five
 * minutes (docs/kato.md, "Every RPC").
 *
 * With a `refusalOf` it connects only if that does not refuse the endpoint. Its first connection is made at
 * the first `connect` that is not refused. A later `connect` that is refused closes the connection.
 *
 * With a `context` it connects with TLS.
 */
export class KatoChannel {
  readonly endpoint: string;
  readonly #refusalOf: RefusalOf | undefined;
  /** Undefined while it may not connect. */
  #client: GrpcClient | undefined;
  #refusal: string | undefined;
  #connections = 0;
  readonly #addresses: HostAddresses;
  readonly #peer: Peer;
  readonly #tls: InstanceTls | undefined;
  readonly #pace = new ReconnectPace();
  #closed = false;
  readonly #stateWaiters = new Set<() => void>();
  /** The calls under way. Closing grpc-js's channel does not end them, so `close` does. */
  readonly #calls = new Set<UnaryCall>();

  constructor(endpoint: string, refusalOf?: RefusalOf, context?: InstanceContext) {
    this.endpoint = endpoint;
    this.#refusalOf = refusalOf;
    this.#addresses = new HostAddresses(endpoint);
    this.#peer = new Peer(endpoint);
    this.#tls = context && new InstanceTls(endpoint, context);
    if (!refusalOf) this.#client = this.#open();
  }

  /** Why the latest `connect` was refused; undefined if it was not. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** What answers at the endpoint and is no gRPC server, in words for people; undefined if nothing does. */
  get answering(): string | undefined {
    return this.ready ? undefined : this.#peer.kind;
  }

  /** Why TLS with the endpoint failed, in words for people; undefined if it did not. */
  get tlsFailure(): string | undefined {
    return this.ready ? undefined : this.#tls?.failure;
  }

  /** Whether there is an established connection. */
  get ready(): boolean {
    return !this.#closed && this.#state() === connectivityState.READY;
  }

  /**
   * How often a connection was established. If the number is the same as before, it is the same connection.
   */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Resolves to true once it is connected; to false if it may not connect, fails to, or has not after
   * `timeoutMs`.
   */
  async connect(timeoutMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + timeoutMs;
    if (!(await this.#mayConnect())) return false;
    this.#addresses.check(() => this.#reopen());
    while (!this.#closed) {
      if (this.ready) return true;
      const leftMs = giveUpAt - performance.now();
      if (this.#state() === connectivityState.TRANSIENT_FAILURE) this.#look();
      if (leftMs <= 0) return false;
      await this.stateChange(leftMs);
      if (this.#state() === connectivityState.TRANSIENT_FAILURE) {
        this.#look();
        return false;
      }
    }
    return false;
  }

  /** Resolves when the state of the connection changes, or after `timeoutMs`. */
  stateChange(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#stateWaiters.delete(wake);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
      this.#stateWaiters.add(wake);
    });
  }

  /**
   * Calls the instance, and resolves to how the call ended, after `timeoutMs` at the latest. Never rejects.
   * If it is connected, the request is written in this turn of the event loop; else, or if it may not be
   * written then, the call ends as `not-sent`.
   */
  async call(
    method: Method,
    request: Uint8Array,
    timeoutMs: number,
    { trace, mayWrite }: CallOptions = {},
  ): Promise<CallResult> {
    if (!this.#client || !this.ready) {
      return { kind: "not-sent", status: status.UNAVAILABLE, details: "not connected" };
    }
    // The Client of grpc-js is not used: it takes a stack trace for each call, which is a quarter of its cost.
    const { channel } = this.#client;
    const path = pathOf(method);
    const call = startUnaryCall(channel, { path, bytes: request, timeoutMs, trace, mayWrite });
    this.#calls.add(call);
    const result = await call.result;
    this.#calls.delete(call);
    return result;
  }

  /** Closes the channel for good. Calls under way end as `unseen`. */
  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.cancel();
    this.#client?.close();
    this.#notify();
  }

  /** Asks at each `connect`, because a host name may lead to another address than before. */
  async #mayConnect(): Promise<boolean> {
    if (!this.#refusalOf) return true;
    this.#refusal = await this.#refusalOf(this.endpoint);
    if (this.#closed) return false;
    if (this.#refusal === undefined) {
      this.#client ??= this.#open();
      return true;
    }
    this.#client?.close();
    this.#client = undefined;
    this.#notify();
    return false;
  }

  /** Replaces the client, unless it may not connect. Calls under way go on, until they end or time out. */
  #reopen(): void {
    if (this.#closed || !this.#client) return;
    this.#client.close();
    this.#client = this.#open();
    this.#notify();
  }

  /** With TLS its failure tells what answers there. */
  #look(): void {
    if (!this.#tls) this.#peer.look();
  }

  #state(): connectivityState | undefined {
    return this.#client?.channel.getConnectivityState(true);
  }

  #open(): GrpcClient {
    const client = new GrpcClient(this.endpoint, this.#pace.longestPauseMs, this.#tls);
    this.#watch(client);
    return client;
  }

  /** Follows the state of a client until it is replaced. */
  #watch(client: GrpcClient): void {
    const { channel } = client;
    const state = channel.getConnectivityState(true);
    const isConnecting = state === connectivityState.CONNECTING;
    const connectedByMs = isConnecting ? Date.now() + connectingLimitMs : Number.POSITIVE_INFINITY;
    const deadline = Math.min(connectedByMs, this.#pace.eagerUntilMs);
    channel.watchConnectivityState(state, deadline, (error) => {
      if (this.#closed || client !== this.#client) return;
      const { isEager } = this.#pace;
      // The error is that the deadline has passed.
      if (error) this.#pace.becomePatient();
      else this.#noteState(channel.getConnectivityState(true));
      if (error || this.#pace.isEager !== isEager) return this.#reopen();
      this.#watch(client);
      this.#notify();
    });
  }

  #noteState(state: connectivityState): void {
    const isConnected = state === connectivityState.READY;
    if (isConnected) this.#connections++;
    this.#pace.note(isConnected);
  }

  #notify(): void {
    for (const wake of this.#stateWaiters) wake();
    this.#stateWaiters.clear();
  }
}
