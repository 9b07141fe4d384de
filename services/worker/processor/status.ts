import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

type State = ProcessorState["state"];

/**
 * A processor's state, which `become` alone changes, since when, and whether it is paused. CommandLoop has
 * the table.
 */
export class Status {
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #onReachable: () => void;
  /** Rebuilding until it is known what the instance has. */
  #state: State = "rebuilding";
  #since = Date.now();
  #resumed: PromiseWithResolvers<void> | undefined;

  /** `onReachable` is called when the instance goes and when it is back. */
  constructor(log: Pick<Logger, "info" | "warn">, onReachable: () => void) {
    this.#log = log;
    this.#onReachable = onReachable;
  }

  get state(): State {
    return this.#state;
  }

  /** As people are told it: a paused processor is `down` when its instance is, else `paused`. */
  get shown(): Pick<ProcessorState, "state" | "since"> {
    const isShownPaused = this.isPaused && this.#state !== "down";
    return { state: isShownPaused ? "paused" : this.#state, since: this.#since };
  }

  get isPaused(): boolean {
    return this.#resumed !== undefined;
  }

  /** Resolves once it is not paused any more, or `release` is called. */
  async resumed(): Promise<void> {
    await this.#resumed?.promise;
  }

  /** `why` it is down is for the log. */
  become(state: State, why = ""): void {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    this.#since = Date.now();
    if (state === "down") this.#log.warn({ reason: why }, "the processor is down");
    else if (before === "down") this.#log.info("the processor is up again");
    if (state === "down" || before === "down") this.#onReachable();
  }

  setPaused(isPaused: boolean): void {
    if (isPaused === this.isPaused) return;
    this.release();
    this.#resumed = isPaused ? Promise.withResolvers<void>() : undefined;
    this.#since = Date.now();
    this.#log.info(isPaused ? "paused" : "resumed");
  }

  /** Lets go whoever waits because of the pause. */
  release(): void {
    this.#resumed?.resolve();
  }
}
