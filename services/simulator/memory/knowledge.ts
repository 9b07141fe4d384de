import type { JsonObject } from "../../../libs/kato/json.ts";
import { Failure } from "../python/failure.ts";
import type { Change, EmotiveRecord, Journal } from "./journal.ts";

/** A learned sequence as MongoDB keeps it. */
export interface Model {
  /** Without "MODEL|". */
  readonly name: string;
  readonly sequence: string[][];
  readonly flat: readonly string[];
  frequency: number;
  emotives: EmotiveRecord;
  /** Rises in the order of learning. */
  readonly order: number;
}

/**
 * What KATO keeps in MongoDB: models, the symbols' statistics, vectors.
 *
 * Invariants:
 * - each write stands in the journal before it shows here, and nothing shows here that is not in the journal;
 * - a model's symbols and the totals are writes of their own after the model, so a crash between can tear it (docs/recovery.md);
 * - `version` changes with every model that comes or goes.
 */
export class Knowledge {
  readonly models = new Map<string, Model>();
  /** How often each symbol has been in a sequence that was learned. */
  readonly symbols = new Map<string, number>();
  readonly vectors = new Map<string, readonly number[]>();
  /** D and L of docs/kato.md, "Predictions". */
  readonly totals = { memberships: 0, learned: 0 };
  version = 0;
  readonly #modelsWith = new Map<string, Set<Model>>();
  readonly #journal: Journal;
  readonly #persistence: number;
  #order = 0;

  constructor(journal: Journal, persistence: number) {
    this.#journal = journal;
    this.#persistence = persistence;
    for (const change of journal.changes()) this.#apply(change);
    journal.compact([...this.#snapshot()]);
  }

  modelsWith(symbol: string): Iterable<Model> {
    return this.#modelsWith.get(symbol) ?? [];
  }

  /** Writes the model alone: its frequency rises by 1, the emotives that are not 0 join its record. */
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

  /** Counts one more sequence with the symbol. */
  countSymbol(name: string): void {
    this.#write({ put: "symbol", name, members: (this.symbols.get(name) ?? 0) + 1 });
  }

  /** Counts one more learning, of a sequence with that many distinct symbols. */
  countLearning(distinctSymbols: number): void {
    const { memberships, learned } = this.totals;
    this.#write({ put: "totals", memberships: memberships + distinctSymbols, learned: learned + 1 });
  }

  /** Keeps the first vector of a name. */
  learnVector(name: string, values: readonly number[]): void {
    if (!this.vectors.has(name)) this.#write({ put: "vector", name, values });
  }

  /** Deletes a model; the statistics stay. Throws a Failure if there is none. */
  deleteModel(name: string): void {
    if (!this.models.has(name)) {
      throw new Failure("Exception", `Unable to find and delete model ${name} in RAM`);
    }
    this.#write({ delete: "model", name });
  }

  clear(): void {
    this.#write({ delete: "everything" });
  }

  close(): void {
    this.#journal.close();
  }

  /** Throws a Failure while MongoDB cannot be reached, as whatever asks it does. */
  need(): void {
    if (this.#journal.isAway())
      throw new Failure("ServerSelectionTimeoutError", "mongodb: connection refused");
  }

  #write(change: Change): void {
    this.need();
    this.#journal.append(change);
    this.#apply(change);
  }

  #apply(change: Change): void {
    if ("delete" in change) {
      if (change.delete === "everything") this.#forgetEverything();
      else this.#forgetModel(change.name);
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
    const model = { name, sequence, flat, frequency, emotives: emotives ?? {}, order: this.#order++ };
    this.models.set(name, model);
    for (const symbol of flat) {
      const known = this.#modelsWith.get(symbol);
      if (known) known.add(model);
      else this.#modelsWith.set(symbol, new Set([model]));
    }
    this.version++;
  }

  #forgetModel(name: string): void {
    const model = this.models.get(name);
    if (!model) return;
    this.models.delete(name);
    for (const symbol of model.flat) {
      const others = this.#modelsWith.get(symbol);
      if (others?.delete(model) && others.size === 0) this.#modelsWith.delete(symbol);
    }
    this.version++;
  }

  #forgetEverything(): void {
    for (const map of [this.models, this.symbols, this.vectors, this.#modelsWith]) map.clear();
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

/** The model as GetModel gives it. */
export function modelJson({ name, sequence, flat, frequency, emotives }: Model): JsonObject {
  return { name, sequence, frequency, length: flat.length, emotives };
}

function pushToObject(name: string): Failure {
  const reason = "The field 'emotives' must be an array but is of type object";
  return new Failure("Exception", `\nException in learnModel: ${name}, \n${reason}`);
}
