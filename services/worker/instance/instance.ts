import { status as grpc } from "@grpc/grpc-js";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import type { Clock } from "../model/clock.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { LateCall } from "../model/late-calls.ts";
import type { Position } from "../model/position.ts";
import type { CallTelemetry } from "./call-telemetry.ts";
import type { InstancePort } from "./port.ts";
import { ask } from "./questions.ts";

export interface InstanceOptions {
  processor: string;
  port: InstancePort;
  /** Whether this worker may still call it (A4). */
  lease: { readonly held: boolean };
  callTimeoutMs: number;
  telemetry: CallTelemetry;
  clock: Pick<Clock, "monotonicMs" | "unixMs">;
  log: Pick<Logger, "warn">;
}

/** What a step's calls are known by. */
export interface InHand {
  at: Position;
  trace: TraceContext | undefined;
}

const pingTimeoutMs = 5_000;
/** An idle instance that does not answer a probe for so long is taken for away. */
const probeTimeoutMs = 1_500;
const statusTimeoutMs = 5_000;
/** A call that is under way for longer is worth telling. */
const longCallMs = 10_000;

/**
 * The processor's KATO instance.
 *
 * States: *away* (no connection), *connected*, and *reconciled*: it is known what it has, and commands may be
 * applied. It stops being reconciled when its connection goes, when a call's end was not seen, and by
 * `doubt`.
 *
 * Invariants: no call but a probe is made without the lease (A4), and none over another connection than the
 * one that was pinged, as behind another one may be another start of the instance.
 */
export class Instance {
  readonly processor: string;
  readonly callTimeoutMs: number;
  /**
   * The step that calls belong to while one is being applied; undefined for what the gateway does by itself.
   */
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
  /** The id of another processor's instance that answers at the endpoint. */
  #stranger: string | undefined;
  /** What the database's failure was; undefined while it is not known to be away. */
  #databaseFailure: string | undefined;
  #isDatabaseSuspected = false;
  /** Asked when nothing but the writing is left of a call (A4). */
  readonly #mayWrite = () => this.#options.lease.held;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#port = options.port;
    this.processor = options.processor;
    this.callTimeoutMs = options.callTimeoutMs;
  }

  get reconciled(): boolean {
    return this.#port.ready && this.#reconciled === this.#port.connections;
  }

  /**
   * Makes it reconciled, if a connection stands or comes up within `timeoutMs`. It is pinged and, where it
   * says that it is this processor's, `reconcile` finds out what it has at this interval. An address may come
   * to be another instance's, as when containers restart in another order, and a command that such a one took
   * would be in the wrong memory for ever. Throws Interrupted when it goes away meanwhile.
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

  /** From now on it is not known what the instance has. */
  doubt(): void {
    this.#reconciled = 0;
  }

  /**
   * Makes one RPC over the connection that was pinged. It is `not-sent` where that connection is gone, even
   * if there is a new one. Throws LeaseLost without the lease, before the call and after it (A4), and never
   * rejects otherwise.
   */
  async call(method: Method, request: Uint8Array, trace = this.inHand?.trace): Promise<CallResult> {
    const { lease, processor, telemetry, clock, log } = this.#options;
    if (!lease.held) throw new LeaseLost(processor);
    if (this.#connection !== this.#port.connections) {
      return { kind: "not-sent", status: grpc.UNAVAILABLE, details: "the connection is another one" };
    }
    this.#callSince = this.#options.clock.monotonicMs();
    const begunMs = clock.unixMs();
    const span = telemetry.begin(method, processor, trace);
    const options = { trace: span.context, mayWrite: this.#mayWrite };
    const result = await this.#port.call(method, request, this.callTimeoutMs, options);
    span.end(result);
    if (!lease.held) throw this.#late(method, begunMs, result);
    this.#callSince = undefined;
    if (result.kind === "unseen") this.doubt();
    else this.#answeredAt = this.#options.clock.monotonicMs();
    if (result.kind === "answered") log.warn({ method, ...result }, "the instance answered with an error");
    return result;
  }

  /**
   * The lease has ended since the call was begun, so it may have reached the instance after calls of the next
   * owner. That one finds out what became of it, and tells: what it has mended was not applied, whatever the
   * answer said.
   */
  #late(method: string, begunMs: number, { kind: end }: CallResult): LeaseLost {
    const endedMs = this.#options.clock.unixMs();
    if (end !== "not-sent")
      this.lateCalls.push({ at: this.inHand?.at ?? null, method, begunMs, endedMs, end });
    return new LeaseLost(this.processor);
  }

  /**
   * Whether it answers a Ping now. Where it does not, or with another interval than this, it is not known any
   * more what it has.
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

  /** How long ago it last answered anything. A long time says nothing where it was not asked. */
  get silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#answeredAt;
  }

  /** To be called when something failed that fails when the instance's database is away. */
  suspectDatabase(): void {
    this.#isDatabaseSuspected = true;
  }

  get isDatabaseSuspected(): boolean {
    return this.#isDatabaseSuspected;
  }

  /**
   * Whether its database answers. A Ping does not ask the database, ShowStatus does (docs/kato.md, Every
   * RPC).
   */
  async probeDatabase(): Promise<boolean> {
    const result = await this.#port.call("ShowStatus", noRequest, statusTimeoutMs);
    if (result.kind === "unseen" || result.kind === "not-sent") {
      this.doubt();
      return false;
    }
    this.#answeredAt = this.#options.clock.monotonicMs();
    const isFailing = result.kind === "response" && readResponseFields(result.bytes).failed;
    this.#isDatabaseSuspected = isFailing;
    this.#databaseFailure = isFailing
      ? lastLineOf(decodeResponse("ShowStatus", result.bytes).message)
      : undefined;
    return !isFailing;
  }

  /** Why it cannot be used, for people. */
  get whyDown(): string {
    const { refusal, ready } = this.#port;
    if (refusal !== undefined) return `its endpoint is not allowed: ${refusal}`;
    if (!ready) return "its instance cannot be reached";
    if (this.#stranger !== undefined) return `the instance of ${this.#stranger} answers at its endpoint`;
    if (this.#databaseFailure !== undefined) return `its instance's database fails: ${this.#databaseFailure}`;
    return "its instance does not answer";
  }

  /** What takes so long, for people; "" when nothing does. */
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
