import { decodeRequest, encodeResponse } from "../../../../libs/kato/codec.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import type { Observation } from "../../../../libs/kato/messages.ts";
import { modelName } from "../../../../libs/kato/model-name.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../../libs/kato/unary-call.ts";
import { byCodePoint } from "../../../../services/worker/model/events.ts";

/** What MongoDB keeps. `learned` counts the Learns whose totals were written. */
export interface Kept {
  models: Map<string, { symbols: string[]; frequency: number; emotives: number[] | null }>;
  symbols: Set<string>;
  vectors: Set<number>;
  learned: number;
}

/**
 * A place within a call. A call whose client has gone at a `late` one is carried on in its own time; beyond a
 * `soon` one that is less than the pause between two questions.
 */
export interface Place {
  name: string;
  when: "early" | "late" | "soon";
}

const early = (name: string): Place => ({ name, when: "early" });
const late = (name: string): Place => ({ name, when: "late" });
const soon = (name: string): Place => ({ name, when: "soon" });

/** What a start of KATO begins with. */
const freshGenes = { recall_threshold: 0.1, max_sequence_length: 0, persistence: 5 };

class Failed extends Error {}

/**
 * A lean KATO: the facts of docs/kato.md that recovery has to do with, for emotives the one named "joy", for
 * vectors those of one number. A call is a generator that stops at each place where it, or its client, can
 * die.
 */
export class SimulatedInstance {
  readonly kept: Kept = { models: new Map(), symbols: new Set(), vectors: new Set(), learned: 0 };
  isMongoAway = false;
  interval = 0;
  events: string[][] = [];
  emotives: number[] = [];
  symbols: string[] = [];
  observedVectors = new Set<number>();
  genes: Record<string, number> = { ...freshGenes };
  searched = freshGenes.recall_threshold;
  predicting = true;
  predicted: "null" | "list" = "list";
  sleeping = false;

  /** Models that every Observe which matches them fails on. */
  get torn(): string[] {
    const torn = [...this.kept.models].filter(
      ([, { symbols }]) =>
        this.kept.learned === 0 || symbols.some((symbol) => !this.kept.symbols.has(symbol)),
    );
    return torn.map(([name]) => name);
  }

  /** A SIGKILL and a start: what is volatile is gone. */
  restart(): void {
    const { interval, events, emotives, symbols, observedVectors, genes, searched } = new SimulatedInstance();
    Object.assign(this, { interval, events, emotives, symbols, observedVectors, genes, searched });
    Object.assign(this, { predicting: true, predicted: "list", sleeping: false });
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
          },
        };
      case "GetWorkingMemory":
        return { message: JSON.stringify(this.events) };
      case "GetCognitionData":
        return { response: { symbols: this.symbols } };
      case "GetGene": {
        const { gene } = decodeRequest(method, bytes);
        return data(gene === "predict" ? this.predicting : (this.genes[gene] ?? null));
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
        Object.assign(this.kept, { models: new Map(), symbols: new Set(), vectors: new Set(), learned: 0 });
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
      this.predicted = this.predicting ? this.#predict() : "null";
    }
    const n = this.genes.max_sequence_length ?? 0;
    if (n !== 0 && this.events.length >= n) {
      const kept = this.events.length > 1 ? this.events.slice(-1) : [];
      yield* this.#learn();
      this.events = kept;
    }
    yield late("observed");
  }

  /** The vectors' own symbol and the three nearest of the learned ones. */
  #classified(values: number[]): Set<string> {
    if (values.length === 0) return new Set();
    const sum = values.reduce((total, value) => total + value, 0);
    const nearest = [...this.kept.vectors].toSorted((a, b) => Math.abs(a - sum) - Math.abs(b - sum) || a - b);
    this.observedVectors.add(sum);
    return new Set([sum, ...nearest.slice(0, 3)].map((value) => `VECTOR|${value}`));
  }

  /** Fails, as KATO does, on a torn model that shares a symbol with working memory. */
  #predict(): "list" {
    this.#needMongo();
    const state = new Set(this.events.flat());
    const matches = this.torn.some((name) =>
      this.kept.models.get(name)?.symbols.some((symbol) => state.has(symbol)),
    );
    if (matches) throw new Failed("a model without symbols");
    return "list";
  }

  *#learn(): Generator<Place, string, void> {
    this.learnVectors();
    const { events } = this;
    this.events = [];
    const name = modelName(events);
    yield name === "" ? early("emptied") : late("emptied");
    if (name !== "") {
      this.#write(name, events.flat());
      yield soon("model-written");
      const distinct = [...new Set(events.flat())];
      for (const [index, symbol] of distinct.entries()) {
        this.kept.symbols.add(symbol);
        if (index === 0) yield soon("symbol-written");
      }
      yield soon("symbols-written");
      this.kept.learned++;
    }
    this.emotives = [];
    yield soon("learned");
    return name;
  }

  /** With which every Learn begins, also one that fails then. */
  learnVectors(): void {
    if (this.observedVectors.size > 0) this.#needMongo();
    for (const value of this.observedVectors) this.kept.vectors.add(value);
    this.observedVectors = new Set();
  }

  #write(name: string, symbols: string[]): void {
    this.#needMongo();
    const known = this.kept.models.get(name);
    const joy = this.emotives.reduce((total, value) => total + value, 0);
    if (known && !known.emotives && this.emotives.length > 0) throw new Failed("'emotives' must be an array");
    const emotives =
      this.emotives.length > 0
        ? [...(known?.emotives ?? []), joy / this.emotives.length]
        : (known?.emotives ?? null);
    this.kept.models.set(name, { symbols, frequency: (known?.frequency ?? 0) + 1, emotives });
  }

  #clear(): void {
    this.events = [];
    this.emotives = [];
    this.symbols = [];
    this.predicted = "list";
  }

  #needMongo(): void {
    if (this.isMongoAway) throw new Failed("no MongoDB");
  }
}
