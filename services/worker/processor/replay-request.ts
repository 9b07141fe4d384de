import type { RebuildAnswer } from "../../../libs/commands/messages/rebuild-request.ts";

/**
 * A replay by hand that was asked for and waits until the command loop has nothing in hand that was begun.
 */
export class ReplayRequest {
  #request: ({ from: number } & PromiseWithResolvers<RebuildAnswer>) | undefined;

  /** The sequence to replay from; undefined where no replay is asked for. */
  get from(): number | undefined {
    return this.#request?.from;
  }

  /** Asks for a replay, unless one is asked for already. Resolves with what became of it. */
  ask(from: number): Promise<RebuildAnswer> {
    this.#request ??= { from, ...Promise.withResolvers<RebuildAnswer>() };
    return this.#request.promise;
  }

  /** Ends the request. Without an answer nobody is told: the replay may happen, or not (A7). */
  end(answer: RebuildAnswer | undefined): void {
    if (answer) this.#request?.resolve(answer);
    this.#request = undefined;
  }
}
