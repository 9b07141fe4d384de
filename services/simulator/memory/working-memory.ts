import type { Positions } from "../python/difflib.ts";
import type { Knowledge, Model } from "./knowledge.ts";

/**
 * The events observed and not yet learned, and what a prediction asks of them.
 *
 * It grows without bound where nobody learns, so an event costs no more the more there are:
 * - `flat` are the events' symbols, `positions` where each stands in it;
 * - `#related` are the models that share a symbol with the first `#relatedTo` of `flat`, as of the knowledge's `#version`.
 */
export class WorkingMemory {
  readonly events: string[][] = [];
  readonly flat: string[] = [];
  readonly #positions = new Map<string, number[]>();
  readonly #related = new Set<Model>();
  #relatedTo = 0;
  #version = -1;

  constructor(events: readonly string[][] = []) {
    for (const event of events) this.add(event);
  }

  get positions(): Positions {
    return this.#positions;
  }

  add(event: string[]): void {
    this.events.push(event);
    for (const symbol of event) {
      const known = this.#positions.get(symbol);
      if (known) known.push(this.flat.length);
      else this.#positions.set(symbol, [this.flat.length]);
      this.flat.push(symbol);
    }
  }

  /** The models that share a symbol with it. */
  relatedModels(knowledge: Knowledge): Iterable<Model> {
    if (this.#version !== knowledge.version) {
      this.#related.clear();
      this.#relatedTo = 0;
      this.#version = knowledge.version;
    }
    for (; this.#relatedTo < this.flat.length; this.#relatedTo++) {
      for (const model of knowledge.modelsWith(this.flat[this.#relatedTo] ?? "")) this.#related.add(model);
    }
    return this.#related;
  }
}
