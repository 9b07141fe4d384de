import { decodeResponse } from "../../../libs/kato/codec.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { rpcs } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import type { Clock } from "../model/clock.ts";
import type { HeldLease } from "../model/held-lease.ts";
import { checkHeld } from "../model/held-lease.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { LateCall } from "../model/late-calls.ts";
import type { Position } from "../model/position.ts";
import { CallLatencies } from "./call-latencies.ts";
import type { CallTelemetry } from "./call-telemetry.ts";
import type { InstancePort } from "./port.ts";
import { ask } from "./questions.ts";

export interface InstanceOptions {
  processor: string;
  port: InstancePort;
  /** `held` says whether this worker may still call the instance (A4). */
  lease: HeldLease;
  callTimeoutMs: number;
  telemetry: CallTelemetry;
  clock: Pick<Clock, "monotonicMs" | "unixMs">;
  log: Pick<Logger, "warn">;
}

/** The step in hand. Its calls are reported with its position and its trace. */
export interface InHand {
  at: Position;
  trace: TraceContext | undefined;
  /** How long the calls took that were made for it. Questions do not count. */
  callMs: number;
}

const pingTimeoutMs = 5_000;
/** An idle instance that does not answer a probe within this time counts as away. */
const probeTimeoutMs = 1_500;
const statusTimeoutMs = 5_000;
/** A call that takes longer is shown to operators. */
const longCallMs = 10_000;

/**
 * The processor's KATO instance.
 *
 * States: *away* (no connection), *connected*, and *reconciled* (it is known what it has, and commands may be
 * applied). It is no longer reconciled when its connection is lost, when the end of a call was not seen, and
 * after `doubt`.
 *
 * Invariants: no call except a probe is made without the lease (A4). No call is made over another connection
 * than the one that was pinged, because the instance may have restarted in between.
 */
export class Instance {
  readonly processor: string;
  readonly callTimeoutMs: number;
  /** Those of commands that were applied. */
  readonly latencies: CallLatencies;
  /** The step that calls belong to; undefined while the worker calls without one. */
  inHand: InHand | undefined;
  /** The calls that were under way when the lease ended. */
  readonly lateCalls: LateCall[] = [];
  readonly #options: InstanceOptions;
  readonly #port: InstancePort;
  /** The connection that was pinged, 0 before the first. */
  #connection = 0;
  /** The connection that is reconciled, 0 for none. */
  #reconciled = 0;
  #answeredAt = 0;
  #callSince: number | undefined;
  /** The id that the instance at the endpoint has, if that is another processor's. */
  #stranger: string | undefined;
  /** How the database failed; undefined while it is not known to be away. */
  #databaseFailure: string | undefined;
  #isDatabaseSuspected = false;
  /** Asked just before the bytes of a call are written (A4). */
  readonly #mayWrite = () => this.#options.lease.held;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#port = options.port;
    this.processor = options.processor;
    this.callTimeoutMs = options.callTimeoutMs;
    this.latencies = new CallLatencies(options.clock);
  }

  get reconciled(): boolean {
    return this.#port.ready && this.#reconciled === this.#port.connections;
  }

  /**
   * Reconciles the instance, if there is a connection or one is made within `timeoutMs`. The instance is
   * pinged. If it has this processor's id, `reconcile` is called with its interval. The id is checked because
   * an address can come to belong to another instance, for example when containers restart in another order.
   * A command would then change the wrong instance for ever. Throws Interrupted if it goes away meanwhile.
   */
  async reconcile(timeoutMs: number, reconcile: (interval: number) => Promise<void>): Promise<boolean> {
    if (this.reconciled) return true;
    if (!(await this.#port.connect(timeoutMs))) return false;
    const connection = this.#port.connections;
    const { telemetry, processor } = this.#options;
    if (this.#connection > 0 && this.#connection !== connection) telemetry.reconnected(processor);
    this.#connection = connection;
    const { id, interval } = await ask(
      { call: (method, request) => this.#port.call(method, request, pingTimeoutMs) },
      "Ping",
      {},
    );
    this.#stranger = id === processor ? undefined : id;
    if (this.#stranger !== undefined) return false;
    await reconcile(interval);
    this.#reconciled = connection;
    return this.reconciled;
  }

  /** Ends *reconciled*. From now on it is not known what the instance has. */
  doubt(): void {
    this.#reconciled = 0;
  }

  /**
   * Makes one RPC over the connection that was pinged. The result is `not-sent` if that connection is lost,
   * even if there is a new one. Throws LeaseLost without the lease, before the call and after it (A4), and
   * never rejects otherwise.
   */
  async call(method: Method, request: Uint8Array, trace = this.inHand?.trace): Promise<CallResult> {
    const { lease, processor, telemetry, clock, log } = this.#options;
    checkHeld(lease, processor);
    if (this.#connection !== this.#port.connections) {
      return { kind: "not-sent", status: grpc.UNAVAILABLE, details: "the connection is another one" };
    }
    this.#callSince = this.#options.clock.monotonicMs();
    const begunMs = clock.unixMs();
    const span = telemetry.begin(method, processor, trace);
    const options = { trace: span.context, mayWrite: this.#mayWrite };
    const result = await this.#port.call(method, request, this.callTimeoutMs, options);
    const ms = span.end(result);
    if (this.inHand && rpcs[method].kind === "command") this.inHand.callMs += ms;
    if (!lease.held) throw this.#late(method, begunMs, result);
    this.#callSince = undefined;
    if (result.kind === "unseen") this.doubt();
    else this.#answeredAt = this.#options.clock.monotonicMs();
    if (result.kind === "answered") log.warn({ method, ...result }, "the instance answered with an error");
    return result;
  }

  /**
   * Notes a call during which the lease has ended, and returns the error to throw. The call may have reached
   * the instance after calls of the next owner. So its answer does not count: the next owner mends what the
   * call has done, and tells what became of the command.
   */
  #late(method: string, begunMs: number, result: CallResult): LeaseLost {
    const endedMs = this.#options.clock.unixMs();
    const { kind: end } = result;
    const failed = result.kind === "response" && readResponseFields(result.bytes).failed;
    if (end !== "not-sent") {
      const at = this.inHand?.at ?? null;
      this.lateCalls.push({ at, method, begunMs, endedMs, end, ...(failed && { failed }) });
    }
    return new LeaseLost(this.processor);
  }

  /**
   * Whether it answers a Ping now. If it does not, or if it has another interval than this, it is no longer
   * reconciled.
   */
  async probe(interval: number): Promise<boolean> {
    const result = await this.#port.call("Ping", noRequest, probeTimeoutMs);
    if (result.kind !== "response") {
      this.doubt();
      return false;
    }
    this.#answeredAt = this.#options.clock.monotonicMs();
    if (readResponseFields(result.bytes).interval !== interval) this.doubt();
    return true;
  }

  /** How long ago it last answered a call. That may be long ago only because nobody has asked. */
  get silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#answeredAt;
  }

  /** Notes that something has failed, perhaps because the instance's database is away. */
  suspectDatabase(): void {
    this.#isDatabaseSuspected = true;
  }

  get isDatabaseSuspected(): boolean {
    return this.#isDatabaseSuspected;
  }

  /**
   * Whether its database answers. ShowStatus needs the database, a Ping does not (docs/kato.md, Every RPC). If it has
   * another interval than the one that is given, it is no longer reconciled.
   */
  async probeDatabase(interval?: number): Promise<boolean> {
    const result = await this.#port.call("ShowStatus", noRequest, statusTimeoutMs);
    if (result.kind === "unseen" || result.kind === "not-sent") {
      this.doubt();
      return false;
    }
    this.#answeredAt = this.#options.clock.monotonicMs();
    const fields = result.kind === "response" ? readResponseFields(result.bytes) : undefined;
    if (fields && interval !== undefined && fields.interval !== interval) this.doubt();
    const isFailing = result.kind === "response" && fields?.failed === true;
    this.#isDatabaseSuspected = isFailing;
    this.#databaseFailure = isFailing
      ? lastLineOf(decodeResponse("ShowStatus", result.bytes).message)
      : undefined;
    return !isFailing;
  }

  /** Why it cannot be used, in words for people. */
  get whyDown(): string {
    const { refusal, ready, answering, tlsFailure } = this.#port;
    if (refusal !== undefined) return `its endpoint is not allowed: ${refusal}`;
    if (!ready && answering !== undefined) return `${answering}, answers at its endpoint, and no KATO`;
    if (!ready && tlsFailure !== undefined) return `TLS with its instance fails: ${tlsFailure}`;
    if (!ready) return "its instance cannot be reached";
    if (this.#stranger !== undefined) return `the instance of ${this.#stranger} answers at its endpoint`;
    if (this.#databaseFailure !== undefined) return `its instance's database fails: ${this.#databaseFailure}`;
    return "its instance does not answer";
  }

  /** What takes so long, in words for people; "" if nothing does. */
  get whySlow(): string {
    const ms = this.#callSince === undefined ? 0 : this.#options.clock.monotonicMs() - this.#callSince;
    return ms < longCallMs ? "" : `a call has been under way for ${Math.floor(ms / 1_000)} s`;
  }

  /** Resolves at the next change of the connection, or after `timeoutMs`. */
  connectionChange(timeoutMs?: number): Promise<void> {
    return this.#port.stateChange(timeoutMs);
  }

  close(): void {
    this.#port.close();
  }
}

const noRequest = new Uint8Array();
