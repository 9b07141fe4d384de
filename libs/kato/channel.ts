import { isDeepStrictEqual } from "node:util";
import { connectivityState, status } from "@grpc/grpc-js";
import { pathOf } from "./codec.ts";
import { GrpcClient } from "./grpc-client.ts";
import type { Locate } from "./host-addresses.ts";
import { locateAnywhere } from "./host-addresses.ts";
import type { InstanceContext } from "./instance-tls.ts";
import { InstanceTls } from "./instance-tls.ts";
import { Peer } from "./peer-kind.ts";
import { ReconnectPace } from "./reconnect-pace.ts";
import type { Method } from "./rpcs.ts";
import type { CallResult, UnaryCall, UnaryRequest } from "./unary-call.ts";
import { startUnaryCall } from "./unary-call.ts";

/** What else a call may be given: see `UnaryRequest`. */
export type CallOptions = Pick<UnaryRequest, "trace" | "mayWrite">;

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
 * than before. A container or a Pod comes back under its name at another address, and the old one may be silent.
 *
 * It connects directly, whatever proxy the environment names: an instance is no web site.
 *
 * A call is sent only over an established connection and never twice, so the retries of grpc-js are off (A3).
 * Its keepalive pings are off too: KATO's server sends a GOAWAY to whoever pings more often than every five
 * minutes (docs/kato.md, "Every RPC").
 *
 * At each `connect` it asks `locate` where the endpoint is, and connects to the addresses that it is given and
 * to no others: a name that has led elsewhere since is not asked again. Its first connection is made at the
 * first `connect` that is not refused. A later `connect` that is refused closes the connection.
 *
 * With a `context` it connects with TLS.
 */
export class KatoChannel {
  readonly endpoint: string;
  readonly #locate: Locate;
  /** Undefined while it may not connect, or does not know where to. */
  #client: GrpcClient | undefined;
  /** Those of the client. */
  #addresses: readonly string[] = [];
  #refusal: string | undefined;
  #connections = 0;
  readonly #peer: Peer;
  readonly #tls: InstanceTls | undefined;
  readonly #pace = new ReconnectPace();
  #closed = false;
  readonly #stateWaiters = new Set<() => void>();
  /** The calls under way. Closing grpc-js's channel does not end them, so `close` does. */
  readonly #calls = new Set<UnaryCall>();

  /** Without a `locate` every endpoint is allowed, and it connects at once. */
  constructor(endpoint: string, locate?: Locate, context?: InstanceContext) {
    this.endpoint = endpoint;
    this.#locate = locate ?? locateAnywhere;
    this.#peer = new Peer(endpoint);
    this.#tls = context && new InstanceTls(endpoint, context);
    if (!locate) void this.#mayConnect();
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

  /** Asks where the endpoint is, and whether it may connect there. */
  async #mayConnect(): Promise<boolean> {
    const location = await this.#locate(this.endpoint);
    if (this.#closed) return false;
    this.#refusal = "refusal" in location ? location.refusal : undefined;
    if ("addresses" in location) {
      // A name that cannot be resolved has not changed.
      if (location.addresses.length > 0) this.#moveTo(location.addresses);
      return this.#client !== undefined;
    }
    this.#client?.close();
    this.#client = undefined;
    this.#notify();
    return false;
  }

  #moveTo(addresses: readonly string[]): void {
    const isSame = isDeepStrictEqual(addresses.toSorted(), this.#addresses.toSorted());
    if (this.#client && isSame) return;
    this.#addresses = addresses;
    this.#reopen();
  }

  /** Replaces the client. Calls under way go on, until they end or time out. */
  #reopen(): void {
    this.#client?.close();
    this.#client = this.#open();
    this.#notify();
  }

  /** With TLS its failure tells what answers there. */
  #look(): void {
    if (!this.#tls) this.#peer.look(this.#addresses);
  }

  #state(): connectivityState | undefined {
    return this.#client?.channel.getConnectivityState(true);
  }

  #open(): GrpcClient {
    const client = new GrpcClient(this.endpoint, this.#addresses, this.#pace.longestPauseMs, this.#tls);
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
