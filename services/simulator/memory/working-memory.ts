import type { Positions } from "../python/difflib.ts";
import type { Knowledge, Model } from "./knowledge.ts";

/**
 * The events that were observed and not yet learned, with the indexes that predictions need.
 *
 * Working memory grows without bound where nobody learns. So the indexes are kept up to date event by event,
 * and an event costs no more when there are many before it:
 * - `flat` has the symbols of all events, one after the other, and `positions` each symbol's indexes in
 *   `flat`.
 * - `#related` has the models that share a symbol with the first `#relatedCount` symbols of `flat`. It is
 *   valid for one version of the knowledge, `#relatedVersion`.
 */
export class WorkingMemory {
  /** Each event is a list of symbols. */
  readonly events: string[][] = [];
  readonly flat: string[] = [];
  readonly #positions = new Map<string, number[]>();
  readonly #related = new Set<Model>();
  #relatedCount = 0;
  #relatedVersion = -1;

  constructor(events: readonly string[][] = []) {
    for (const event of events) this.add(event);
  }

  /** The indexes of each symbol in `flat`. */
  get positions(): Positions {
    return this.#positions;
  }

  /** Adds an event at the end. */
  add(event: string[]): void {
    this.events.push(event);
    for (const symbol of event) {
      const known = this.#positions.get(symbol);
      if (known) known.push(this.flat.length);
      else this.#positions.set(symbol, [this.flat.length]);
      this.flat.push(symbol);
    }
  }

  /** The models that share a symbol with working memory. */
  relatedModels(knowledge: Knowledge): Iterable<Model> {
    if (this.#relatedVersion !== knowledge.version) {
      this.#related.clear();
      this.#relatedCount = 0;
      this.#relatedVersion = knowledge.version;
    }
    for (; this.#relatedCount < this.flat.length; this.#relatedCount++) {
      for (const model of knowledge.modelsWith(this.flat[this.#relatedCount] ?? "")) this.#related.add(model);
    }
    return this.#related;
  }
}
