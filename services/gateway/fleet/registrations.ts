import type { Declaration } from "../../../libs/registry/declarations.ts";
import type { DeclaringOptions } from "./declared-processors.ts";
import { declareByAsking, declareProcessors, logDifferences } from "./declared-processors.ts";

/**
 * Registers the processors of the settings, and does so again when the registry's bucket was made anew: then
 * nobody is registered any more.
 */
export class Registrations {
  readonly #declarations: readonly Declaration[];
  readonly #options: DeclaringOptions;
  /** When the bucket was created in which they are registered. */
  #registeredIn = "";
  #asking = new AbortController();

  constructor(declarations: readonly Declaration[], options: DeclaringOptions) {
    this.#declarations = declarations;
    this.#options = options;
  }

  /** Registers them, unless they are in this bucket already. Rejects if NATS does not answer. */
  async renew(timeoutMs: number): Promise<void> {
    const { registry, log, stopping } = this.#options;
    const created = await registry.created(timeoutMs);
    if (created === this.#registeredIn) return;
    await registry.refresh();
    await declareProcessors(this.#declarations, this.#options);
    if (this.#registeredIn === "") logDifferences(this.#declarations, this.#options);
    else
      log.warn(
        { created },
        "the registry was made anew, the processors of the settings are registered again",
      );
    this.#asking.abort();
    this.#asking = new AbortController();
    const asking = AbortSignal.any([stopping, this.#asking.signal]);
    void declareByAsking(this.#declarations, { ...this.#options, stopping: asking });
    this.#registeredIn = created;
  }

  /**
   * Whether they are in the bucket that this gateway has read. Otherwise that bucket was just made anew, and a
   * processor that it lacks may be registered in a moment.
   */
  get areInView(): boolean {
    return this.#registeredIn === this.#options.registry.createdOfView;
  }

  /**
   * Whether they are in the bucket that there is now, and this gateway has read that bucket. Rejects if NATS
   * does not answer in time.
   */
  async isCurrent(timeoutMs: number): Promise<boolean> {
    const { registry } = this.#options;
    const created = await registry.created(timeoutMs);
    return created === this.#registeredIn && created === registry.createdOfView;
  }
}
