import { setTimeout as sleep } from "node:timers/promises";
import type { Json, JsonObject } from "../../libs/kato/json.ts";
import { setOwnProperty } from "../../libs/kato/json.ts";
import type { Observation } from "../../libs/kato/messages.ts";
import { modelName } from "../../libs/kato/model-name.ts";
import type { OnCrashPoint } from "./crash-points.ts";
import { Genes } from "./genes.ts";
import type { Manifest } from "./manifest.ts";
import { Classifier } from "./memory/classifier.ts";
import { Emotives } from "./memory/emotives.ts";
import type { Knowledge } from "./memory/knowledge.ts";
import { WorkingMemory } from "./memory/working-memory.ts";
import { candidatesOf } from "./predictions/candidates.ts";
import { predictionsOf } from "./predictions/predictions.ts";
import { compareCodePoints, plainFloat, round } from "./python/builtins.ts";
import { Failure } from "./python/failure.ts";
import { Semaphore } from "./semaphore.ts";

const modelPrefix = "MODEL|";

/**
 * One KATO processor. Its fields are what KATO holds in its process and loses with a restart; `knowledge` is
 * what KATO keeps in MongoDB.
 *
 * Invariants (docs/kato.md):
 * - `interval` rises by one at the beginning of each Observe, also of one that fails. ClearAllMemory sets it
 *   to 0.
 * - Observes run one after the other, as they take `#lock`. Nothing else takes it. So a Learn or a clear
 *   while an Observe runs is a race, as it is in KATO.
 * - A Learn empties working memory before it writes. If it fails, what it has not written yet is lost.
 */
export class Processor {
  readonly id: string;
  readonly name: string;
  readonly genes: Genes;
  readonly knowledge: Knowledge;
  interval = 0;
  /** Only shown by ShowStatus: it changes nothing else. */
  sleeping = false;
  /** Null after an Observe with symbols while predicting was off. */
  predictions: JsonObject[] | null = [];
  perceptData: JsonObject = {};
  /** The symbols of the last Observe. */
  symbols: string[] = [];
  /** The averages as of the last Observe with emotives. */
  averagedEmotives: Record<string, number> = {};
  readonly #classifier: Classifier;
  readonly #lock = new Semaphore(1);
  readonly #sort: boolean;
  readonly #delayMs: number;
  readonly #onCrashPoint: OnCrashPoint;
  #memory = new WorkingMemory();
  #emotives = new Emotives();
  /** The threshold that predictions use. UpdateGenes does not change it: it changes only the gene. */
  #recallThreshold: number;

  constructor(manifest: Manifest, knowledge: Knowledge, delayMs: number, onCrashPoint: OnCrashPoint) {
    this.id = manifest.id;
    this.name = manifest.name;
    this.genes = new Genes(manifest);
    this.knowledge = knowledge;
    this.#classifier = new Classifier(knowledge);
    this.#sort = manifest.sort;
    this.#delayMs = delayMs;
    this.#onCrashPoint = onCrashPoint;
    this.#recallThreshold = manifest.recall_threshold;
  }

  /** The events of working memory. */
  get events(): string[][] {
    this.genes.requireIntact("WM");
    return this.#memory.events;
  }

  /** Adds an observation to working memory, predicts, and learns by itself if max_sequence_length says so. */
  observe(observation: Observation): Promise<void> {
    return this.#lock.run(async () => {
      this.#onCrashPoint("observe-before-tick");
      this.interval++;
      this.#onCrashPoint("observe-after-tick");
      await this.#delay();
      this.#perceive(observation);
      await this.#autoLearn();
      this.#onCrashPoint("observe-before-answer");
    });
  }

  #perceive({ strings = [], vectors = [], emotives = {}, ...rest }: Observation): void {
    if (!rest.unique_id) {
      throw new Failure("Exception", `Error: no unique_id in observe call from ${rest.source ?? ""}`);
    }
    const plainEmotives: JsonObject = {};
    for (const [name, value] of Object.entries(emotives))
      setOwnProperty(plainEmotives, name, plainFloat(value));
    const path = [...(rest.path ?? []), `${this.name}-${this.id}-process`];
    const metadata = rest.metadata ?? {};
    this.perceptData = { strings, vectors, emotives: plainEmotives, path, metadata };

    this.symbols = [];
    const vectorSymbols = vectors.length > 0 ? this.#sorted(this.#classifier.classify(vectors)) : [];
    if (Object.keys(plainEmotives).length > 0) {
      this.#emotives.add(plainEmotives);
      this.averagedEmotives = this.#emotives.average();
    }
    const symbols = [...vectorSymbols, ...this.#sorted(strings)];
    this.symbols = symbols;
    if (symbols.length === 0) return;
    this.genes.requireIntact("WM");
    this.#memory.add(symbols);
    this.predictions = this.genes.isOn("predict") ? this.#predict() : null;
  }

  #sorted(symbols: readonly string[]): string[] {
    return this.#sort ? symbols.toSorted(compareCodePoints) : [...symbols];
  }

  #predict(): JsonObject[] {
    this.genes.requireIntact("superkb");
    this.knowledge.requireMongo();
    const candidates = candidatesOf(this.#memory, this.knowledge, this.#recallThreshold);
    this.genes.requireIntact("max_predictions");
    const limit = this.genes.number("max_predictions");
    try {
      return predictionsOf(candidates, this.#memory.flat, this.knowledge, limit);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = "Exception in Modeler.predictModel: Error in potential calculation!";
      throw new Failure("Exception", `\n${where} ${this.id}: ${reason}`, { cause });
    }
  }

  async #autoLearn(): Promise<void> {
    const length = this.genes.get("max_sequence_length");
    if (length === 0 || this.events.length < this.genes.number("max_sequence_length")) return;
    const kept = this.events.length > 1 ? this.events.slice(-1) : [];
    await this.#learn("autolearn");
    this.#memory = new WorkingMemory(kept);
    this.#onCrashPoint("autolearn-before-answer");
  }

  /**
   * Learns working memory as a model and empties it. Returns the model's name with "MODEL|", or undefined if
   * there was one symbol or none, which KATO does not learn.
   */
  async learn(): Promise<string | undefined> {
    const name = await this.#learn("learn");
    this.#onCrashPoint("learn-before-answer");
    return name;
  }

  async #learn(how: "learn" | "autolearn"): Promise<string | undefined> {
    this.#classifier.learn();
    this.genes.requireIntact("learn");
    const { events, flat } = this.#emptyMemory();
    this.#onCrashPoint(`${how}-after-clear`);
    if (how === "learn") await this.#delay();
    const name = modelName(events);
    if (name !== "") {
      const bareName = name.slice(modelPrefix.length);
      this.knowledge.learnModel(bareName, events, this.#emotives.average());
      this.#onCrashPoint(`${how}-after-model`);
      const distinct = new Set(flat);
      for (const symbol of distinct) this.knowledge.countSymbol(symbol);
      this.#onCrashPoint(`${how}-after-symbols`);
      this.knowledge.countLearning(distinct.size);
      this.genes.set("last_learned_model_name", bareName);
    }
    this.#emotives = new Emotives();
    return name || undefined;
  }

  #emptyMemory(): WorkingMemory {
    this.genes.requireIntact("WM");
    const memory = this.#memory;
    this.#memory = new WorkingMemory();
    return memory;
  }

  /**
   * Drops what was observed and not learned, and the predictions. Vectors stay: the next Learn stores them.
   */
  clearWorkingMemory(): void {
    this.genes.repair("WM");
    this.#memory = new WorkingMemory();
    this.#emotives = new Emotives();
    this.predictions = [];
    this.perceptData = {};
    this.symbols = [];
    this.averagedEmotives = {};
  }

  /** Drops everything except the genes and whether it predicts or sleeps. */
  clearAllMemory(): void {
    this.interval = 0;
    this.clearWorkingMemory();
    this.genes.requireIntact("superkb");
    this.knowledge.clear();
    this.#classifier.clear();
    this.genes.set("last_learned_model_name", null);
  }

  /**
   * Adds the increment to the gene recall_threshold, and has predictions use the result. Returns false, and
   * changes nothing, if the result is not in (0, 1].
   */
  incrementRecallThreshold(increment: number): boolean {
    const sum = this.genes.number("recall_threshold") + increment;
    if (!(sum > 0 && sum <= 1)) return false;
    this.#recallThreshold = round(sum, 1);
    this.genes.set("recall_threshold", this.#recallThreshold);
    return true;
  }

  /** The name of the model learned last, with "MODEL|"; "" if there is none. */
  get lastLearned(): Json {
    const name = this.genes.get("last_learned_model_name");
    return typeof name === "string" ? modelPrefix + name : (name ?? "");
  }

  /**
   * Waits for SIMULATOR_DELAY_MS. It is called in the middle of Observe and Learn, where KATO takes its time
   * too.
   */
  async #delay(): Promise<void> {
    if (this.#delayMs > 0) await sleep(this.#delayMs, undefined, { ref: false });
  }
}
