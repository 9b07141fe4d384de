import { setImmediate } from "node:timers/promises";

/** For so long one piece of work may have the event loop before others get their turn. */
const turnMs = 20;

/**
 * Lets others have the event loop during work of many small parts. After each part ask whether the turn is
 * over, and if so wait for the next one.
 */
export class Turns {
  #beganAt = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#beganAt > turnMs;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.#beganAt = performance.now();
  }
}
