import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

/** A part of a budget that one request has. */
export interface Share {
  /** Makes the share this large. Throws OVERLOADED if the budget has no room for that. */
  resize(bytes: number): void;
  /** Makes the share this large, whether there is room or not. Others are refused meanwhile. */
  insist(bytes: number): void;
  /** Whether little is left. Who can wait should wait then, so that others are not refused. */
  readonly isCrowded: boolean;
  /** Another share of the same budget. */
  another(): Share;
  /** Gives all of it back. May be called twice. */
  release(): void;
}

const crowdedPart = 3 / 4;

/**
 * How much memory something may take, all requests together. Each request asks before it takes memory, so
 * the sum of all shares is not more than the limit, except for what was insisted on.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  readonly #what: string;
  readonly #refused: () => void;
  #usedBytes = 0;

  /** `what` is named in the error, `refused` is called for each refusal. */
  constructor(limitBytes: number, what: string, refused: () => void) {
    this.#limitBytes = limitBytes;
    this.#what = what;
    this.#refused = refused;
  }

  /** How much is taken now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** A share of nothing yet. `context` says what the refusal of it is about. */
  share(context: ErrorContext = { effect: "none" }): Share {
    let own = 0;
    const insist = (bytes: number) => {
      this.#usedBytes += bytes - own;
      own = bytes;
    };
    const resize = (bytes: number) => {
      if (bytes > own && this.#usedBytes - own + bytes > this.#limitBytes) {
        this.#refused();
        throw overloaded(this.#what, context);
      }
      insist(bytes);
    };
    const isCrowded = () => this.#usedBytes > crowdedPart * this.#limitBytes;
    return {
      resize,
      insist,
      get isCrowded() {
        return isCrowded();
      },
      another: () => this.share(context),
      release: () => insist(0),
    };
  }
}

function overloaded(what: string, context: ErrorContext): GatewayError {
  const detail = `The gateway has as many ${what} in hand as its memory allows.`;
  return new GatewayError("OVERLOADED", detail, { ...context, retryAfterSeconds: 1 });
}
