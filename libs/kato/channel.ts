import type { Client as GrpcClient } from "@grpc/grpc-js";
import { Client, connectivityState, credentials, Metadata, status } from "@grpc/grpc-js";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { writeTraceContext } from "../telemetry/trace-context.ts";
import { pathOf } from "./codec.ts";
import type { Method } from "./rpcs.ts";

/** KATO's own limit on a message, either way (docs/kato.md, Every RPC). */
export const maxMessageBytes = 4 * 1024 * 1024;

/**
 * How a call ended. `answered`: the instance said so, with a response or with a gRPC error that is one.
 * `not-sent`: there was no connection, so it has no effect. `unseen`: it was sent and its end was not seen, which says
 * nothing about its effect (A3).
 */
export type CallResult =
  | { kind: "response"; bytes: Buffer }
  | { kind: "answered" | "not-sent" | "unseen"; status: number; details: string };

/** Says why no connection may be made to an endpoint; undefined where it may. */
type RefusalOf = (endpoint: string) => Promise<string | undefined>;

const connectingLimitMs = 5_000;

/**
 * The one gRPC channel to an instance, raw bytes in and out.
 *
 * It connects by itself and for ever, with a backoff of 100 ms to 2 s. grpc-js leaves a channel connecting for ever when the
 * peer accepts TCP and then says nothing: one that is CONNECTING for 5 s is replaced. A call is sent only over an
 * established connection and never twice: grpc-js's own retries are off (A3). Keepalive pings are off too, as KATO's server answers those
 * that come more often than every 5 minutes with GOAWAY.
 *
 * With a `refusalOf` it connects at the first `connect` that is allowed to, and gives the connection up at one that is not.
 */
export class KatoChannel {
  readonly endpoint: string;
  readonly #refusalOf: RefusalOf | undefined;
  /** Undefined while it may not connect. */
  #client: GrpcClient | undefined;
  #refusal: string | undefined;
  #connections = 0;
  #closed = false;
  readonly #waiting = new Set<() => void>();
  /** Ends a call under way: grpc-js leaves those alone when its channel is closed. */
  readonly #cancels = new Set<() => void>();

  constructor(endpoint: string, refusalOf?: RefusalOf) {
    this.endpoint = endpoint;
    this.#refusalOf = refusalOf;
    if (!refusalOf) this.#client = this.#open();
  }

  /** Why it may not connect, as the latest `connect` was told. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  get ready(): boolean {
    return !this.#closed && this.#state() === connectivityState.READY;
  }

  /** How often a connection was established: another number is another connection. */
  get connections(): number {
    return this.#connections;
  }

  /** Whether the channel is connected, or becomes so before it fails to connect or the time is over. */
  async connect(timeoutMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + timeoutMs;
    if (!(await this.#mayConnect())) return false;
    while (!this.#closed) {
      if (this.ready) return true;
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) return false;
      await this.stateChange(leftMs);
      if (this.#state() === connectivityState.TRANSIENT_FAILURE) return false;
    }
    return false;
  }

  /** Resolves at the next change of the connection's state, or after `timeoutMs`. */
  stateChange(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }

  /** Calls the instance, which is told of the trace. Never rejects; ends after `timeoutMs` at the latest. */
  call(method: Method, request: Uint8Array, timeoutMs: number, trace?: TraceContext): Promise<CallResult> {
    const client = this.#client;
    if (!client || !this.ready) {
      return Promise.resolve({ kind: "not-sent", status: status.UNAVAILABLE, details: "not connected" });
    }
    const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
    const metadata = new Metadata();
    writeTraceContext(trace, (name, value) => metadata.set(name, value));
    return new Promise((resolve) => {
      // Client.makeUnaryRequest takes a stack trace for every call, a quarter of its cost.
      const call = client.getChannel().createCall(pathOf(method), Number.POSITIVE_INFINITY, null, null, null);
      // grpc-js's own deadline costs a timer list and a header of another value in each call.
      const limit = setTimeout(
        () => call.cancelWithStatus(status.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`),
        timeoutMs,
      );
      const cancel = () => call.cancelWithStatus(status.CANCELLED, "the channel was closed");
      this.#cancels.add(cancel);
      let response: Buffer | undefined;
      call.start(metadata, {
        onReceiveMetadata: () => {},
        onReceiveMessage: (message: Buffer) => {
          response = message;
        },
        onReceiveStatus: ({ code, details }) => {
          clearTimeout(limit);
          this.#cancels.delete(cancel);
          if (response && code === status.OK) resolve({ kind: "response", bytes: response });
          else if (code === status.OK)
            resolve({ kind: "answered", status: status.INTERNAL, details: "OK without a response" });
          else resolve({ kind: endOf(code, details), status: code, details });
        },
      });
      call.startRead();
      call.sendMessageWithContext({}, bytes);
      call.halfClose();
    });
  }

  /** Closes the channel; calls under way end as `unseen`. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
    this.#client?.close();
    this.#notify();
  }

  /** Asked each time, as a host's name may lead elsewhere by now. */
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

  #state(): connectivityState | undefined {
    return this.#client?.getChannel().getConnectivityState(true);
  }

  #open(): GrpcClient {
    // Without the scheme a host named "unix" would be taken for one.
    const client = new Client(`dns:${this.endpoint}`, credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.enable_retries": 0,
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      // A subchannel shared with the channel that was given up would still be stuck.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.service_config_disable_resolution": 1,
    });
    this.#watch(client);
    return client;
  }

  #watch(client: GrpcClient): void {
    const channel = client.getChannel();
    const state = channel.getConnectivityState(true);
    const deadline =
      state === connectivityState.CONNECTING ? Date.now() + connectingLimitMs : Number.POSITIVE_INFINITY;
    channel.watchConnectivityState(state, deadline, (error) => {
      if (this.#closed || client !== this.#client) return;
      if (error) {
        client.close();
        this.#client = this.#open();
      } else {
        if (channel.getConnectivityState(true) === connectivityState.READY) this.#connections++;
        this.#watch(client);
      }
      this.#notify();
    });
  }

  #notify(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

const saysNothing = new Set<number>([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.UNKNOWN,
]);

/** A connection that breaks under a call can show as INTERNAL with the RST_STREAM of grpc-js's own side. */
function endOf(code: number, details: string): "answered" | "unseen" {
  const broken = code === status.INTERNAL && details.startsWith("Received RST_STREAM");
  return saysNothing.has(code) || broken ? "unseen" : "answered";
}
