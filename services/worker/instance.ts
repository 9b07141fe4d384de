import { status as grpc } from "@grpc/grpc-js";
import { KatoChannel } from "../../libs/kato/channel.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { Call } from "./call.ts";
import { ask } from "./call.ts";

const pingTimeoutMs = 5_000;

/**
 * The processor's KATO instance, as the applier knows it.
 *
 * States: *away* (no connection), *connected*, and *reconciled*: it is known what it has, and commands may be applied. It stops
 * being reconciled with its connection, with a call whose end was not seen, and by `doubt`.
 */
export class Instance {
  readonly #channel: KatoChannel;
  readonly #callTimeoutMs: number;
  /** The connection that is reconciled, 0 for none. */
  #reconciled = 0;
  /** The connection that is reconciled or being so: behind another one may be another start of the instance. */
  #connection = 0;

  constructor(endpoint: string, callTimeoutMs: number, endpointPolicy: EndpointPolicy) {
    this.#channel = new KatoChannel(endpoint, endpointPolicy);
    this.#callTimeoutMs = callTimeoutMs;
  }

  /** Why no connection may be made to it; undefined where it may. */
  get refusal(): string | undefined {
    return this.#channel.refusal;
  }

  get reconciled(): boolean {
    return this.#channel.ready && this.#reconciled === this.#channel.connections;
  }

  /**
   * Makes it reconciled, if its connection stands or comes up within `timeoutMs`: pings it and has `reconcile` find out what it
   * has at this interval. Throws Interrupted when it goes away meanwhile.
   */
  async reconcile(timeoutMs: number, reconcile: (interval: number) => Promise<void>): Promise<boolean> {
    if (this.reconciled) return true;
    if (!(await this.#channel.connect(timeoutMs))) return false;
    const connection = this.#channel.connections;
    this.#connection = connection;
    const ping: Call = (method, request) => this.#channel.call(method, request, pingTimeoutMs);
    await reconcile((await ask(ping, "Ping", {})).interval);
    this.#reconciled = connection;
    return this.reconciled;
  }

  /** It is no longer known what the instance has. */
  doubt(): void {
    this.#reconciled = 0;
  }

  /** One RPC over the connection that was pinged; `not-sent` where it is gone, even if there is a new one. */
  readonly call: Call = async (method, request) => {
    if (this.#connection !== this.#channel.connections) {
      return { kind: "not-sent", status: grpc.UNAVAILABLE, details: "the connection is another one" };
    }
    const result = await this.#channel.call(method, request, this.#callTimeoutMs);
    if (result.kind === "unseen") this.doubt();
    return result;
  };

  /** Resolves at the next change of the connection, or after `timeoutMs`. */
  connectionChange(timeoutMs?: number): Promise<void> {
    return this.#channel.stateChange(timeoutMs);
  }

  close(): void {
    this.#channel.close();
  }
}
