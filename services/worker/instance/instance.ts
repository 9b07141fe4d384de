import { status as grpc } from "@grpc/grpc-js";
import { KatoChannel } from "../../../libs/kato/channel.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import type { Telemetry } from "../steps/step-watch.ts";
import type { Call } from "./call.ts";
import { ask } from "./call.ts";

export interface InstanceOptions {
  processor: string;
  endpoint: string;
  endpointPolicy: EndpointPolicy;
  callTimeoutMs: number;
  telemetry: Telemetry;
}

const pingTimeoutMs = 5_000;
/** An idle instance that does not answer a probe for so long is taken for away. */
const probeTimeoutMs = 1_500;
const statusTimeoutMs = 5_000;
/** A call that is under way for longer is worth telling. */
const longCallMs = 10_000;

/** How a call ended, as metrics and spans have it. */
const endings = {
  response: "response",
  answered: "error",
  unseen: "unseen",
  "not-sent": "not-sent",
} as const satisfies Record<CallResult["kind"], string>;

/**
 * The processor's KATO instance, as the applier knows it.
 *
 * States: *away* (no connection), *connected*, and *reconciled*: it is known what it has, and commands may be applied. It stops
 * being reconciled with its connection, with a call whose end was not seen, and by `doubt`.
 */
export class Instance {
  readonly #channel: KatoChannel;
  readonly #options: InstanceOptions;
  /** The connection that is reconciled, 0 for none. */
  #reconciled = 0;
  #answeredAt = 0;
  #callSince: number | undefined;
  /** The id of the instance that answers in place of this processor's. */
  #stranger: string | undefined;
  /** What the database's failure was; undefined while it is not known to be away. */
  #databaseFailure: string | undefined;
  #isDatabaseSuspected = false;
  /** The connection that is reconciled or being so: behind another one may be another start of the instance. */
  #connection = 0;

  constructor(options: InstanceOptions) {
    this.#channel = new KatoChannel(options.endpoint, options.endpointPolicy);
    this.#options = options;
  }

  /** Why no connection may be made to it; undefined where it may. */
  get refusal(): string | undefined {
    return this.#channel.refusal;
  }

  get reconciled(): boolean {
    return this.#channel.ready && this.#reconciled === this.#channel.connections;
  }

  /**
   * Makes it reconciled, if its connection stands or comes up within `timeoutMs`: pings it and, where it says that it is this
   * processor's, has `reconcile` find out what it has at this interval. An address may come to be another instance's, as when
   * containers restart in another order, and a command that one of those took would be in the wrong memory for ever. Throws
   * Interrupted when it goes away meanwhile.
   */
  async reconcile(timeoutMs: number, reconcile: (interval: number) => Promise<void>): Promise<boolean> {
    if (this.reconciled) return true;
    if (!(await this.#channel.connect(timeoutMs))) return false;
    const connection = this.#channel.connections;
    const { telemetry, processor } = this.#options;
    if (this.#connection > 0 && this.#connection !== connection) telemetry.metrics.reconnected(processor);
    this.#connection = connection;
    const ping: Call = (method, request) => this.#channel.call(method, request, pingTimeoutMs);
    const { id, interval } = await ask(ping, "Ping", {});
    this.#stranger = id === processor ? undefined : id;
    if (this.#stranger !== undefined) return false;
    await reconcile(interval);
    this.#reconciled = connection;
    return this.reconciled;
  }

  /** How long it has not answered anything, which it need not be asked to have done. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /** Why it cannot be used, for people. */
  get whyDown(): string {
    if (this.refusal !== undefined) return `its endpoint is not allowed: ${this.refusal}`;
    if (!this.#channel.ready) return "its instance cannot be reached";
    if (this.#stranger !== undefined) return `the instance of ${this.#stranger} answers at its endpoint`;
    if (this.#databaseFailure !== undefined) return `its instance's database fails: ${this.#databaseFailure}`;
    return "its instance does not answer";
  }

  /** What takes so long, for people; "" when nothing does. */
  get whySlow(): string {
    const ms = this.#callSince === undefined ? 0 : performance.now() - this.#callSince;
    return ms < longCallMs ? "" : `a call has been under way for ${Math.floor(ms / 1_000)} s`;
  }

  /** Whether it answers now; where not, it is no longer known what it has. */
  async probe(): Promise<boolean> {
    const result = await this.#channel.call("Ping", noRequest, probeTimeoutMs);
    if (result.kind === "response") this.#answeredAt = performance.now();
    else this.doubt();
    return result.kind === "response";
  }

  /** Something failed that fails when the instance's database is away. */
  suspectDatabase(): void {
    this.#isDatabaseSuspected = true;
  }

  get isDatabaseSuspected(): boolean {
    return this.#isDatabaseSuspected;
  }

  /** Whether its database answers: a Ping does not ask it, ShowStatus does (docs/kato.md, Every RPC). */
  async probeDatabase(): Promise<boolean> {
    const result = await this.#channel.call("ShowStatus", noRequest, statusTimeoutMs);
    if (result.kind === "unseen" || result.kind === "not-sent") {
      this.doubt();
      return false;
    }
    this.#answeredAt = performance.now();
    const isFailing = result.kind === "response" && readResponseFields(result.bytes).failed;
    this.#isDatabaseSuspected = isFailing;
    this.#databaseFailure = isFailing
      ? lastLineOf(decodeResponse("ShowStatus", result.bytes).message)
      : undefined;
    return !isFailing;
  }

  /** It is no longer known what the instance has. */
  doubt(): void {
    this.#reconciled = 0;
  }

  /** One RPC over the connection that was pinged; `not-sent` where it is gone, even if there is a new one. */
  readonly call: Call = async (method, request, trace) => {
    if (this.#connection !== this.#channel.connections) {
      return { kind: "not-sent", status: grpc.UNAVAILABLE, details: "the connection is another one" };
    }
    this.#callSince = performance.now();
    const result = await this.#watched(method, request, trace);
    this.#callSince = undefined;
    if (result.kind === "unseen") this.doubt();
    else this.#answeredAt = performance.now();
    return result;
  };

  async #watched(method: Method, request: Uint8Array, trace: TraceContext | undefined): Promise<CallResult> {
    const { telemetry, processor, callTimeoutMs } = this.#options;
    // What the applier asks by itself, as in a rebuild, is in no trace.
    const span =
      trace &&
      telemetry.tracing?.begin({
        name: `kato_proc.KatoEngine/${method}`,
        kind: "client",
        parent: trace,
        attributes: { "rpc.system": "grpc", "rpc.method": method, "kato.processor": processor },
      });
    const begunAt = performance.now();
    const result = await this.#channel.call(method, request, callTimeoutMs, span?.context ?? trace);
    const outcome = endings[result.kind];
    telemetry.metrics.called({ method, outcome, seconds: (performance.now() - begunAt) / 1_000 });
    span?.end({
      error: result.kind === "response" ? undefined : outcome,
      attributes: { "rpc.grpc.status_code": result.kind === "response" ? grpc.OK : result.status },
    });
    return result;
  }

  /** Resolves at the next change of the connection, or after `timeoutMs`. */
  connectionChange(timeoutMs?: number): Promise<void> {
    return this.#channel.stateChange(timeoutMs);
  }

  close(): void {
    this.#channel.close();
  }
}

const noRequest = new Uint8Array();
