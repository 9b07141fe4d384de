const minSize = 8;

/**
 * How many commands may be under way at a time. Whoever shares the log breaks the flow less if fewer are, so it halves
 * with each break, and grows by one with each acknowledgement.
 */
export class PublishWindow {
  readonly #max: number;
  #size: number;

  /** It begins with `max`, which it never exceeds. */
  constructor(max: number) {
    this.#max = max;
    this.#size = max;
  }

  get size(): number {
    return this.#size;
  }

  grow(): void {
    if (this.#size < this.#max) this.#size++;
  }

  /** Not below 8, or `max` if that is less. */
  halve(): void {
    this.#size = Math.min(this.#max, Math.max(minSize, this.#size >> 1));
  }
}
