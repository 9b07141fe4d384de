import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

type State = ProcessorState["state"];

/**
 * A processor's state, since when it is in that state, and whether it is paused. Only `become` changes the
 * state. CommandLoop has the table of states.
 */
export class Status {
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #onNews: () => void;
  /** It is `rebuilding` until it is known what the instance has. */
  #state: State = "rebuilding";
  #isInstanceKnown = false;
  #since = Date.now();
  #version = 0;
  #resumed: PromiseWithResolvers<void> | undefined;

  /**
   * `onNews` is called when it is first known whether the instance is there, when it has gone away, when it is back,
   * and when it was rebuilt.
   */
  constructor(log: Pick<Logger, "info" | "warn">, onNews: () => void) {
    this.#log = log;
    this.#onNews = onNews;
  }

  get state(): State {
    return this.#state;
  }

  /** The state as people are told it. A paused processor is `paused`, unless it is `down` or `held`. */
  get shown(): Pick<ProcessorState, "state" | "since"> {
    const isShownPaused = this.isPaused && this.#state !== "down" && this.#state !== "held";
    return { state: isShownPaused ? "paused" : this.#state, since: this.#since };
  }

  /** Whether it was found out once that the instance is there, or that it is not. */
  get isInstanceKnown(): boolean {
    return this.#isInstanceKnown;
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  get isPaused(): boolean {
    return this.#resumed !== undefined;
  }

  /** Resolves once the processor is not paused any more, or when `release` is called. */
  async resumed(): Promise<void> {
    await this.#resumed?.promise;
  }

  /** Changes the state. `why` is the reason for `down`, for the log. */
  become(state: State, why = ""): void {
    const before = this.#state;
    const isFirst = !this.#isInstanceKnown;
    if (state === before && !isFirst) return;
    this.#isInstanceKnown = true;
    this.#state = state;
    this.#version++;
    if (state !== before) this.#since = Date.now();
    if (state === "down") this.#log.warn({ reason: why }, "the processor is down");
    else if (before === "down") this.#log.info("the processor is up again");
    if (isFirst || state === "down" || before === "down" || before === "rebuilding") this.#onNews();
  }

  setPaused(isPaused: boolean): void {
    if (isPaused === this.isPaused) return;
    this.release();
    this.#version++;
    this.#resumed = isPaused ? Promise.withResolvers<void>() : undefined;
    this.#since = Date.now();
    this.#log.info(isPaused ? "paused" : "resumed");
  }

  /** Has `resumed` resolve for everybody who waits there. */
  release(): void {
    this.#resumed?.resolve();
  }
}
