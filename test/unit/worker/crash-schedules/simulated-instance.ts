import { decodeRequest, encodeResponse } from "../../../../libs/kato/codec.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import type { Observation } from "../../../../libs/kato/messages.ts";
import { modelName } from "../../../../libs/kato/model-name.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../../libs/kato/unary-call.ts";
import { byCodePoint } from "../../../../services/worker/model/memory-events.ts";

/**
 * The data in MongoDB. `symbols` has how many Learns had each symbol. The totals: `learned` counts the Learns,
 * and `memberships` the distinct symbols of each of them.
 */
export interface Kept {
  models: Map<string, { events: string[][]; frequency: number; emotives: number[] | null }>;
  symbols: Map<string, number>;
  vectors: Set<number>;
  learned: number;
  memberships: number;
}

function nothingKept(): Kept {
  return { models: new Map(), symbols: new Map(), vectors: new Set(), learned: 0, memberships: 0 };
}

/**
 * A place within a call. If the client goes away at a `late` place, the call is carried on later. After a
 * `soon` place, that takes less than the pause between two questions.
 */
export interface Place {
  name: string;
  when: "early" | "late" | "soon";
}

const early = (name: string): Place => ({ name, when: "early" });
const late = (name: string): Place => ({ name, when: "late" });
const soon = (name: string): Place => ({ name, when: "soon" });

/** The genes after a start of KATO. */
const freshGenes = { recall_threshold: 0.1, max_sequence_length: 0, persistence: 5 };

class Failed extends Error {}

/**
 * A small KATO. It has the facts of docs/kato.md that matter for recovery. Its only emotive is "joy", and its
 * vectors have one number. A call is a generator that stops at each place where the instance or its client
 * can die.
 */
export class SimulatedInstance {
  readonly kept: Kept = nothingKept();
  isMongoAway = false;
  interval = 0;
  events: string[][] = [];
  emotives: number[] = [];
  symbols: string[] = [];
  observedVectors = new Set<number>();
  genes: Record<string, number> = { ...freshGenes };
  searched = freshGenes.recall_threshold;
  predicting = true;
  predictions: Json = [];
  sleeping = false;

  /** The torn models: every Observe that matches one of them fails. */
  get torn(): string[] {
    const torn = [...this.kept.models].filter(
      ([, { events }]) =>
        this.kept.learned === 0 || events.flat().some((symbol) => !this.kept.symbols.has(symbol)),
    );
    return torn.map(([name]) => name);
  }

  /** A SIGKILL and a start. Everything volatile is gone. */
  restart(): void {
    const { interval, events, emotives, symbols, observedVectors, genes, searched } = new SimulatedInstance();
    Object.assign(this, { interval, events, emotives, symbols, observedVectors, genes, searched });
    Object.assign(this, { predicting: true, predictions: [], sleeping: false });
  }

  /** Carries a call to its end, place by place. */
  *call(method: Method, request: Uint8Array): Generator<Place, CallResult, void> {
    yield early("begin");
    let answer: { message?: string; response?: Json };
    let status: "OKAY" | "FAILED" = "OKAY";
    try {
      answer = yield* this.#answer(method, Buffer.from(request));
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      status = "FAILED";
      answer = { message: `Traceback\n${error.message}` };
    }
    const envelope = { status, id: "p1", interval: this.interval, time_stamp: 0 };
    return { kind: "response", bytes: encodeResponse(method, { ...envelope, ...answer }) };
  }

  *#answer(method: Method, bytes: Buffer): Generator<Place, { message?: string; response?: Json }, void> {
    const data = (value: Json) => ({ response: { data: value } });
    switch (method) {
      case "Ping":
        return { message: "okay" };
      case "ShowStatus":
        this.#needMongo();
        return {
          response: {
            size_WM: this.events.flat().length,
            models_kb: `{KB| objects: ${this.kept.models.size}}`,
            vectors_kb: `{KB| objects: ${this.kept.vectors.size}}`,
          },
        };
      case "GetWorkingMemory":
        return { message: JSON.stringify(this.events) };
      case "GetAllPredictions":
        return data(this.predictions);
      case "GetCognitionData":
        return { response: { symbols: this.symbols } };
      case "GetGene": {
        const { gene } = decodeRequest(method, bytes);
        if (gene === "predict") return data(this.predicting);
        return data(gene === "max_predictions" ? 100 : (this.genes[gene] ?? null));
      }
      case "GetModel": {
        this.#needMongo();
        const name = decodeRequest(method, bytes).name;
        const model = this.kept.models.get(name);
        return data(model ? { name, frequency: model.frequency } : {});
      }
      case "GetVector": {
        this.#needMongo();
        const value = Number(decodeRequest(method, bytes).name.slice("VECTOR|".length));
        return data(this.kept.vectors.has(value) ? [value] : null);
      }
      case "DeleteModel":
        this.#needMongo();
        if (!this.kept.models.delete(decodeRequest(method, bytes).name)) throw new Failed("no such model");
        return { message: "deleted" };
      case "Observe":
        yield* this.#observe(decodeRequest(method, bytes));
        return { message: "observed" };
      case "Learn":
        return { message: (yield* this.#learn()) || "None" };
      case "ClearWorkingMemory":
        this.#clear();
        return { message: "wm-cleared" };
      case "ClearAllMemory":
        this.interval = 0;
        this.#clear();
        yield early("clear-all");
        this.#needMongo();
        Object.assign(this.kept, nothingKept());
        this.observedVectors = new Set();
        return { message: "all-cleared" };
      case "StartSleeping":
        this.#clear();
        this.sleeping = true;
        return { message: "asleep" };
      case "StopSleeping":
        this.sleeping = false;
        return { message: "awake" };
      case "StartPredicting":
        this.predicting = true;
        return { message: "activated-predictions" };
      case "StopPredicting":
        this.predicting = false;
        return { message: "deactivated-predictions" };
      case "UpdateGenes":
        for (const [gene, value] of Object.entries(decodeRequest(method, bytes).genes ?? {})) {
          this.genes[gene] = Number(value.toPrecision(6));
        }
        return { message: "genes-updated" };
      case "IncrementRecallThreshold":
        this.searched = this.genes.recall_threshold ?? 0;
        return data(this.searched);
      default:
        throw new Failed(`${method} is never called`);
    }
  }

  *#observe({
    strings = [],
    vectors = [],
    emotives = {},
    unique_id,
  }: Observation): Generator<Place, void, void> {
    this.interval++;
    yield soon("ticked");
    if (!unique_id) throw new Failed("no unique_id");
    if (vectors.some((vector) => vector.length !== 1)) throw new Failed("wrong dimension");
    const own = [...this.#classified(vectors.map(([value]) => Number(value)))];
    if (emotives.joy !== undefined) this.emotives.push(emotives.joy);
    this.symbols = [...own.toSorted(byCodePoint), ...strings.toSorted(byCodePoint)];
    if (this.symbols.length > 0) {
      this.events = [...this.events, this.symbols];
      yield late("in-memory");
      this.predictions = this.predicting ? this.#predict() : null;
    }
    const n = this.genes.max_sequence_length ?? 0;
    if (n !== 0 && this.events.length >= n) {
      const kept = this.events.length > 1 ? this.events.slice(-1) : [];
      yield* this.#learn();
      this.events = kept;
    }
    yield late("observed");
  }

  /** The symbol of the vectors themselves, and those of the three nearest vectors that were learned. */
  #classified(values: number[]): Set<string> {
    if (values.length === 0) return new Set();
    const sum = values.reduce((total, value) => total + value, 0);
    const nearest = [...this.kept.vectors].toSorted((a, b) => Math.abs(a - sum) - Math.abs(b - sum) || a - b);
    this.observedVectors.add(sum);
    return new Set([sum, ...nearest.slice(0, 3)].map((value) => `VECTOR|${value}`));
  }

  /**
   * The models that are similar enough to working memory. Fails, as KATO does, on a torn model that shares a
   * symbol with it.
   */
  #predict(): Json {
    this.#needMongo();
    const state = this.events.flat();
    const models = [...this.kept.models].filter(([, { events }]) => matchesOf(events.flat(), state) > 0);
    if (models.some(([name]) => this.torn.includes(name))) throw new Failed("a model without symbols");
    return models.flatMap(([name, { events, frequency }]) => {
      const symbols = events.flat();
      const similarity = (2 * matchesOf(symbols, state)) / (symbols.length + state.length);
      const bare = name.slice("MODEL|".length);
      return similarity < this.searched
        ? []
        : [{ name: bare, frequency, past: events.slice(0, 1), present: events.slice(1), future: [] }];
    });
  }

  *#learn(): Generator<Place, string, void> {
    if (this.observedVectors.size > 0) this.#needMongo();
    for (const value of this.observedVectors) {
      this.kept.vectors.add(value);
      yield soon("vector-stored");
    }
    this.learnVectors();
    const { events } = this;
    this.events = [];
    const name = modelName(events);
    yield name === "" ? early("emptied") : late("emptied");
    if (name !== "") {
      this.#write(name, events);
      yield soon("model-written");
      const distinct = [...new Set(events.flat())];
      for (const [index, symbol] of distinct.entries()) {
        this.kept.symbols.set(symbol, (this.kept.symbols.get(symbol) ?? 0) + 1);
        if (index === 0) yield soon("symbol-written");
      }
      yield soon("symbols-written");
      this.kept.learned++;
      this.kept.memberships += distinct.length;
    }
    this.emotives = [];
    yield soon("learned");
    return name;
  }

  /** The beginning of every Learn, even of one that fails afterwards. */
  learnVectors(): void {
    if (this.observedVectors.size > 0) this.#needMongo();
    for (const value of this.observedVectors) this.kept.vectors.add(value);
    this.observedVectors = new Set();
  }

  #write(name: string, events: string[][]): void {
    this.#needMongo();
    const known = this.kept.models.get(name);
    const joy = this.emotives.reduce((total, value) => total + value, 0);
    if (known && !known.emotives && this.emotives.length > 0) throw new Failed("'emotives' must be an array");
    const emotives =
      this.emotives.length > 0
        ? [...(known?.emotives ?? []), joy / this.emotives.length]
        : (known?.emotives ?? null);
    this.kept.models.set(name, { events, frequency: (known?.frequency ?? 0) + 1, emotives });
  }

  #clear(): void {
    this.events = [];
    this.emotives = [];
    this.symbols = [];
    this.predictions = [];
  }

  #needMongo(): void {
    if (this.isMongoAway) throw new Failed("no MongoDB");
  }
}

/** How many symbols the two have in common. */
function matchesOf(symbols: string[], others: string[]): number {
  const left = [...others];
  return symbols.filter((symbol) => {
    const at = left.indexOf(symbol);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  }).length;
}
