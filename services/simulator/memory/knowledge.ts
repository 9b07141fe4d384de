import type { JsonObject } from "../../../libs/kato/json.ts";
import { Failure } from "../python/failure.ts";
import type { Change, EmotiveRecord, Journal } from "./journal.ts";

/** A learned sequence as MongoDB keeps it. */
export interface Model {
  /** The hash alone, without "MODEL|". */
  readonly name: string;
  /** The events, each a list of symbols. */
  readonly sequence: string[][];
  /** The symbols of all events, one after the other. */
  readonly flat: readonly string[];
  /** How often it was learned. */
  frequency: number;
  emotives: EmotiveRecord;
  /** Its place in the order in which models were first learned. */
  readonly order: number;
}

/**
 * What KATO keeps in MongoDB, and so has again after a restart: models, vectors, and the statistics of
 * symbols.
 *
 * Invariants:
 * - A change is written to the journal first, then it shows here. Nothing shows here that is not in the
 *   journal.
 * - Learning writes the model first, then each symbol's count, then the totals, each by a write of its own. A
 *   crash between them leaves the model "torn" (docs/recovery.md), as it does in KATO.
 * - `version` changes whenever a model is added or deleted.
 */
export class Knowledge {
  readonly models = new Map<string, Model>();
  /** For each symbol, how many of the learned sequences had it. A sequence learned twice counts twice. */
  readonly symbols = new Map<string, number>();
  readonly vectors = new Map<string, readonly number[]>();
  /** `memberships` is D in docs/kato.md, "Predictions", and `learned` is L. */
  readonly totals = { memberships: 0, learned: 0 };
  version = 0;
  readonly #modelsBySymbol = new Map<string, Set<Model>>();
  readonly #journal: Journal;
  readonly #persistence: number;
  #nextOrder = 0;

  /** Takes in what the journal has. A model's record of emotives keeps the last `persistence` entries. */
  constructor(journal: Journal, persistence: number) {
    this.#journal = journal;
    this.#persistence = persistence;
    for (const change of journal.changes()) this.#apply(change);
    journal.compact([...this.#snapshot()]);
  }

  /** The models whose sequence has this symbol. */
  modelsWith(symbol: string): Iterable<Model> {
    return this.#modelsBySymbol.get(symbol) ?? [];
  }

  /**
   * Writes the model, and none of its statistics. Its frequency rises by 1, and the emotives that are not 0
   * are added to its record. Throws a Failure for emotives on a model whose first Learn had none: MongoDB
   * refuses that write.
   */
  learnModel(name: string, sequence: string[][], emotives: Readonly<Record<string, number>>): void {
    const known = this.models.get(name);
    const change: Change = { put: "model", name, frequency: (known?.frequency ?? 0) + 1 };
    if (!known) Object.assign(change, { sequence, emotives: {} });
    if (Object.keys(emotives).length > 0) {
      if (known && !Array.isArray(known.emotives)) throw pushToObject(name);
      const nonZero = Object.fromEntries(Object.entries(emotives).filter(([, value]) => value !== 0));
      const record = [...(known && Array.isArray(known.emotives) ? known.emotives : []), nonZero];
      change.emotives = this.#persistence > 0 ? record.slice(-this.#persistence) : [];
    }
    this.#write(change);
  }

  /** Counts one more learned sequence for the symbol. */
  countSymbol(name: string): void {
    this.#write({ put: "symbol", name, members: (this.symbols.get(name) ?? 0) + 1 });
  }

  /** Counts one more Learn, of a sequence with that many distinct symbols. */
  countLearning(distinctSymbols: number): void {
    const { memberships, learned } = this.totals;
    this.#write({ put: "totals", memberships: memberships + distinctSymbols, learned: learned + 1 });
  }

  /** Stores a vector. A name that is known keeps the vector that it has. */
  learnVector(name: string, values: readonly number[]): void {
    if (!this.vectors.has(name)) this.#write({ put: "vector", name, values });
  }

  /** Deletes a model, but not its statistics. Throws a Failure if there is no such model. */
  deleteModel(name: string): void {
    if (!this.models.has(name)) {
      throw new Failure("Exception", `Unable to find and delete model ${name} in RAM`);
    }
    this.#write({ delete: "model", name });
  }

  /** Deletes all of it, as ClearAllMemory does. */
  clear(): void {
    this.#write({ delete: "everything" });
  }

  /** Closes the journal. */
  close(): void {
    this.#journal.close();
  }

  /** Throws a Failure while MongoDB is away. Whatever reads or writes MongoDB in KATO calls this first. */
  requireMongo(): void {
    if (this.#journal.isAway())
      throw new Failure("ServerSelectionTimeoutError", "mongodb: connection refused");
  }

  #write(change: Change): void {
    this.requireMongo();
    this.#journal.append(change);
    this.#apply(change);
  }

  #apply(change: Change): void {
    if ("delete" in change) {
      if (change.delete === "everything") this.#removeEverything();
      else this.#removeModel(change.name);
    } else if (change.put === "model") this.#putModel(change);
    else if (change.put === "symbol") this.symbols.set(change.name, change.members);
    else if (change.put === "vector") this.vectors.set(change.name, change.values);
    else Object.assign(this.totals, { memberships: change.memberships, learned: change.learned });
  }

  #putModel({ name, frequency, emotives, sequence = [] }: Extract<Change, { put: "model" }>): void {
    const known = this.models.get(name);
    if (known) {
      known.frequency = frequency;
      if (emotives) known.emotives = emotives;
      return;
    }
    const flat = sequence.flat();
    const model = { name, sequence, flat, frequency, emotives: emotives ?? {}, order: this.#nextOrder++ };
    this.models.set(name, model);
    for (const symbol of flat) {
      const known = this.#modelsBySymbol.get(symbol);
      if (known) known.add(model);
      else this.#modelsBySymbol.set(symbol, new Set([model]));
    }
    this.version++;
  }

  #removeModel(name: string): void {
    const model = this.models.get(name);
    if (!model) return;
    this.models.delete(name);
    for (const symbol of model.flat) {
      const others = this.#modelsBySymbol.get(symbol);
      if (others?.delete(model) && others.size === 0) this.#modelsBySymbol.delete(symbol);
    }
    this.version++;
  }

  #removeEverything(): void {
    for (const map of [this.models, this.symbols, this.vectors, this.#modelsBySymbol]) map.clear();
    Object.assign(this.totals, { memberships: 0, learned: 0 });
    this.version++;
  }

  *#snapshot(): Iterable<Change> {
    for (const { name, sequence, frequency, emotives } of this.models.values()) {
      yield { put: "model", name, frequency, emotives, sequence };
    }
    for (const [name, members] of this.symbols) yield { put: "symbol", name, members };
    for (const [name, values] of this.vectors) yield { put: "vector", name, values };
    yield { put: "totals", ...this.totals };
  }
}

/** The model in the form in which GetModel answers it. */
export function modelJson({ name, sequence, flat, frequency, emotives }: Model): JsonObject {
  return { name, sequence, frequency, length: flat.length, emotives };
}

function pushToObject(name: string): Failure {
  const reason = "The field 'emotives' must be an array but is of type object";
  return new Failure("Exception", `\nException in learnModel: ${name}, \n${reason}`);
}
