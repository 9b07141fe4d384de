import { KatoChannel } from "../../libs/kato/channel.ts";
import { readResponseHead } from "../../libs/kato/heads.ts";
import { AutoLearn } from "./auto-learn.ts";
import type { Call } from "./call.ts";
import { ask, CallFailed } from "./call.ts";

const pingTimeoutMs = 5_000;

/**
 * The processor's KATO instance, as the applier knows it.
 *
 * It is *attached* or not. Attached: this connection has answered a Ping, so its interval is known and calls may be made. It
 * stops being attached when the connection goes, and when a call's end was not seen. Only `attach` attaches it again.
 */
export class Instance {
  readonly autoLearn = new AutoLearn();
  readonly #channel: KatoChannel;
  readonly #callTimeoutMs: number;
  #attachedTo = 0;
  #interval = 0;

  constructor(endpoint: string, callTimeoutMs: number) {
    this.#channel = new KatoChannel(endpoint);
    this.#callTimeoutMs = callTimeoutMs;
  }

  get attached(): boolean {
    return this.#channel.ready && this.#attachedTo === this.#channel.connections;
  }

  /** KATO's count of Observes in the last response. */
  get interval(): number {
    return this.#interval;
  }

  /** Makes it attached, if its connection stands or comes up within `timeoutMs`. */
  async attach(timeoutMs: number): Promise<boolean> {
    if (this.attached) return true;
    if (!(await this.#channel.connect(timeoutMs))) return false;
    const connection = this.#channel.connections;
    const pingCall: Call = (method, request) => this.#channel.call(method, request, pingTimeoutMs);
    try {
      this.#interval = (await ask(pingCall, "Ping", {})).interval;
      await this.autoLearn.attach(pingCall);
    } catch (error) {
      if (error instanceof CallFailed) return false;
      throw error;
    }
    this.#attachedTo = connection;
    return this.attached;
  }

  /** One RPC, when attached; `not-sent` otherwise. */
  readonly call: Call = async (method, request) => {
    if (!this.attached) return { kind: "not-sent", status: 14, details: "not attached" };
    const result = await this.#channel.call(method, request, this.#callTimeoutMs);
    if (result.kind === "response") this.#interval = readResponseHead(result.bytes).interval;
    else if (result.kind === "unseen") this.#attachedTo = 0;
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
