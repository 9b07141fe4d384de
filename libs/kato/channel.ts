import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { pathOf } from "./codec.ts";
import type { GrpcConnection, UnaryRequest } from "./grpc-connection.ts";
import { grpcStatus } from "./grpc-status.ts";
import type { Locate } from "./host-addresses.ts";
import { locateAnywhere } from "./host-addresses.ts";
import type { InstanceContext } from "./instance-tls.ts";
import { InstanceTls } from "./instance-tls.ts";
import { openConnection } from "./open-connection.ts";
import { Peer } from "./peer-kind.ts";
import { ReconnectPace } from "./reconnect-pace.ts";
import type { Method } from "./rpcs.ts";
import type { CallResult } from "./unary-call.ts";

/** What else a call may be given: see `UnaryRequest`. */
export type CallOptions = Pick<UnaryRequest, "trace" | "mayWrite">;

type State = "idle" | "connecting" | "ready" | "failed";

/**
 * The gRPC channel to one instance, for requests and responses as bytes.
 *
 * States: *idle* (it may not connect, or does not know where to), *connecting*, *ready* (there is a connection),
 * *failed* (the latest attempt has failed, and the next one comes after a pause).
 *
 * It connects by itself, and again whenever the connection is lost, with pauses from 100 ms on. For 2 s they are
 * 200 ms at most, then 1 s (`ReconnectPace`). An attempt is given up after 5 s, at the end of the 2 s, and at a
 * `connect` once the host has other addresses than before. A container or a Pod comes back under its name at another
 * address, and the old one may be silent.
 *
 * It connects directly, whatever proxy the environment names: an instance is no web site.
 *
 * A call is sent only over an established connection and never twice (A3). It sends no keepalive pings: KATO's
 * server sends a GOAWAY to whoever pings more often than every five minutes (docs/kato.md, "Every RPC").
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
  readonly #peer: Peer;
  readonly #tls: InstanceTls | undefined;
  #state: State = "idle";
  /** The addresses that it connects to. */
  #addresses: readonly string[] = [];
  /** Aborted when it is to connect to others, or not at all. Undefined while it is idle. */
  #connecting: AbortController | undefined;
  #connection: GrpcConnection | undefined;
  /** All connections that are not closed: calls may go on over one that was retired. */
  readonly #open = new Set<GrpcConnection>();
  #refusal: string | undefined;
  #connections = 0;
  #closed = false;
  readonly #stateWaiters = new Set<() => void>();

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
    return !this.#closed && this.#connection?.isOpen === true;
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
      if (this.#state === "failed") this.#look();
      if (leftMs <= 0) return false;
      await this.stateChange(leftMs);
      if (this.#state === "failed") {
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
   * If it is connected, the request is written before this returns; else, or if it may not be written then, the
   * call ends as `not-sent`.
   */
  call(
    method: Method,
    request: Uint8Array,
    timeoutMs: number,
    { trace, mayWrite }: CallOptions = {},
  ): Promise<CallResult> {
    if (this.#connection && this.ready) {
      return this.#connection.call({ path: pathOf(method), bytes: request, timeoutMs, trace, mayWrite });
    }
    return Promise.resolve({ kind: "not-sent", status: grpcStatus.UNAVAILABLE, details: "not connected" });
  }

  /** Closes the channel for good. Calls under way end as `unseen`. */
  close(): void {
    this.#closed = true;
    this.#stop();
    for (const connection of this.#open) connection.close("the channel was closed");
    this.#become("idle");
  }

  /** Asks where the endpoint is, and whether it may connect there. */
  async #mayConnect(): Promise<boolean> {
    const location = await this.#locate(this.endpoint);
    if (this.#closed) return false;
    this.#refusal = "refusal" in location ? location.refusal : undefined;
    if ("addresses" in location) {
      // A name that cannot be resolved has not changed.
      if (location.addresses.length > 0) this.#moveTo(location.addresses);
      return this.#connecting !== undefined;
    }
    this.#stop();
    this.#become("idle");
    return false;
  }

  /** Connects to these addresses, unless it does already. */
  #moveTo(addresses: readonly string[]): void {
    const isSame = isDeepStrictEqual(addresses.toSorted(), this.#addresses.toSorted());
    if (this.#connecting && isSame) return;
    this.#stop();
    this.#addresses = addresses;
    this.#connecting = new AbortController();
    void this.#keepConnected(this.#connecting.signal);
  }

  /** Connects no more. Calls under way go on, until they end or time out. */
  #stop(): void {
    this.#connecting?.abort();
    this.#connecting = undefined;
    this.#connection?.retire();
    this.#connection = undefined;
  }

  /** Connects, and again when the connection is lost, until `signal` is aborted. Never rejects. */
  async #keepConnected(signal: AbortSignal): Promise<void> {
    const pace = new ReconnectPace();
    while (!signal.aborted) {
      this.#become("connecting");
      const begunAt = performance.now();
      const target = { endpoint: this.endpoint, addresses: this.#addresses, tls: this.#tls };
      const connection = await openConnection(target, pace.attemptMs, signal);
      if (signal.aborted) return connection?.retire();
      if (connection) await this.#use(connection);
      if (signal.aborted) return;
      if (connection) pace.restart();
      this.#become(connection ? "connecting" : "failed");
      const leftMs = begunAt + pace.nextPauseMs() - performance.now();
      // A connection that was lost at once is a failure too.
      if (leftMs > 0) await sleep(leftMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Has calls made over this connection. Resolves once it takes no more. */
  async #use(connection: GrpcConnection): Promise<void> {
    this.#connection = connection;
    this.#connections++;
    this.#open.add(connection);
    this.#become("ready");
    await connection.retired;
    if (this.#connection === connection) this.#connection = undefined;
    void connection.closed.then(() => this.#open.delete(connection));
  }

  /** With TLS its failure tells what answers there. */
  #look(): void {
    if (!this.#tls) this.#peer.look(this.#addresses);
  }

  #become(state: State): void {
    this.#state = state;
    for (const wake of this.#stateWaiters) wake();
    this.#stateWaiters.clear();
  }
}
