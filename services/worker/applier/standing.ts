import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

type State = ProcessorState["state"];

/** How a processor stands, and since when: the applier's state, which `become` alone changes, and whether it is paused. */
export class Standing {
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #onReachable: () => void;
  /** Until it is known what the instance has. */
  #state: State = "rebuilding";
  #since = Date.now();
  #paused: PromiseWithResolvers<void> | undefined;

  /** `onReachable` is called when the instance goes and when it is back. */
  constructor(log: Pick<Logger, "info" | "warn">, onReachable: () => void) {
    this.#log = log;
    this.#onReachable = onReachable;
  }

  get state(): State {
    return this.#state;
  }

  /** As people are told it: a paused processor is down when its instance is. */
  told(why: { whyDown: string; whySlow: string }): Pick<ProcessorState, "state" | "since" | "reason"> {
    const isDown = this.#state === "down";
    return {
      state: this.#paused && !isDown ? "paused" : this.#state,
      since: this.#since,
      reason: isDown ? why.whyDown : why.whySlow,
    };
  }

  /** What to wait for before going on; undefined while it is not paused. */
  get paused(): Promise<void> | undefined {
    return this.#paused?.promise;
  }

  /** `why` it is down, for the log. */
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
    if (isPaused === (this.#paused !== undefined)) return;
    this.release();
    this.#paused = isPaused ? Promise.withResolvers<void>() : undefined;
    this.#since = Date.now();
    this.#log.info(isPaused ? "paused" : "resumed");
  }

  /** Lets go whoever waits because of the pause. */
  release(): void {
    this.#paused?.resolve();
  }
}
