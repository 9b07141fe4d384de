import { setTimeout as sleep } from "node:timers/promises";
import type { Json, JsonObject } from "../../libs/kato/json.ts";
import { setOwn } from "../../libs/kato/json.ts";
import type { Observation } from "../../libs/kato/messages.ts";
import { modelName } from "../../libs/kato/model-name.ts";
import type { Reach } from "./crash-points.ts";
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
import { Slots } from "./semaphore.ts";

const modelPrefix = "MODEL|";

/**
 * One KATO processor: what it holds in its process, over the `knowledge` that a restart leaves.
 *
 * States: `predictions` is null after an Observe with symbols while predicting was off, else a list. `sleeping` is only said.
 *
 * Invariants (docs/kato.md):
 * - `interval` rises by one for each Observe, at its beginning, also for one that fails; ClearAllMemory sets it to 0;
 * - Observes take `#lock` and so come one after another; nothing else does, and what runs beside one is a race, as in KATO;
 * - a Learn empties working memory before it writes, and what it has not written is lost if it fails.
 */
export class Processor {
  readonly id: string;
  readonly name: string;
  readonly genes: Genes;
  readonly knowledge: Knowledge;
  interval = 0;
  sleeping = false;
  predictions: JsonObject[] | null = [];
  perceptData: JsonObject = {};
  symbols: string[] = [];
  /** The averages as of the last Observe with emotives. */
  averagedEmotives: Record<string, number> = {};
  readonly #classifier: Classifier;
  readonly #lock = new Slots(1);
  readonly #sort: boolean;
  readonly #delayMs: number;
  readonly #reach: Reach;
  #memory = new WorkingMemory();
  #emotives = new Emotives();
  /** What is searched with: UpdateGenes changes only the gene. */
  #recallThreshold: number;

  constructor(manifest: Manifest, knowledge: Knowledge, delayMs: number, reach: Reach) {
    this.id = manifest.id;
    this.name = manifest.name;
    this.genes = new Genes(manifest);
    this.knowledge = knowledge;
    this.#classifier = new Classifier(knowledge);
    this.#sort = manifest.sort;
    this.#delayMs = delayMs;
    this.#reach = reach;
    this.#recallThreshold = manifest.recall_threshold;
  }

  /** The events of working memory. */
  get events(): string[][] {
    this.genes.need("WM");
    return this.#memory.events;
  }

  /** Takes in one observation, predicts, and learns by itself where max_sequence_length says so. */
  observe(observation: Observation): Promise<void> {
    return this.#lock.run(async () => {
      this.#reach("observe-before-tick");
      this.interval++;
      this.#reach("observe-after-tick");
      await this.#delay();
      this.#perceive(observation);
      await this.#learnBySelf();
      this.#reach("observe-before-answer");
    });
  }

  #perceive({ strings = [], vectors = [], emotives = {}, ...rest }: Observation): void {
    if (!rest.unique_id) {
      throw new Failure("Exception", `Error: no unique_id in observe call from ${rest.source ?? ""}`);
    }
    const plainEmotives: JsonObject = {};
    for (const [name, value] of Object.entries(emotives)) setOwn(plainEmotives, name, plainFloat(value));
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
    this.genes.need("WM");
    this.#memory.add(symbols);
    this.predictions = this.genes.isOn("predict") ? this.#predict() : null;
  }

  #sorted(symbols: readonly string[]): string[] {
    return this.#sort ? symbols.toSorted(compareCodePoints) : [...symbols];
  }

  #predict(): JsonObject[] {
    this.genes.need("superkb");
    this.knowledge.need();
    const candidates = candidatesOf(this.#memory, this.knowledge, this.#recallThreshold);
    this.genes.need("max_predictions");
    const limit = this.genes.number("max_predictions");
    try {
      return predictionsOf(candidates, this.#memory.flat, this.knowledge, limit);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = "Exception in Modeler.predictModel: Error in potential calculation!";
      throw new Failure("Exception", `\n${where} ${this.id}: ${reason}`, { cause });
    }
  }

  async #learnBySelf(): Promise<void> {
    const length = this.genes.get("max_sequence_length");
    if (length === 0 || this.events.length < this.genes.number("max_sequence_length")) return;
    const kept = this.events.length > 1 ? this.events.slice(-1) : [];
    await this.#learn("autolearn");
    this.#memory = new WorkingMemory(kept);
    this.#reach("autolearn-before-answer");
  }

  /** Learns working memory as a model and empties it; the model's name, or undefined for one symbol or none. */
  async learn(): Promise<string | undefined> {
    const name = await this.#learn("learn");
    this.#reach("learn-before-answer");
    return name;
  }

  async #learn(how: "learn" | "autolearn"): Promise<string | undefined> {
    this.#classifier.learn();
    this.genes.need("learn");
    const { events, flat } = this.#takeMemory();
    this.#reach(`${how}-after-clear`);
    if (how === "learn") await this.#delay();
    const name = modelName(events);
    if (name !== "") {
      const bareName = name.slice(modelPrefix.length);
      this.knowledge.learnModel(bareName, events, this.#emotives.average());
      this.#reach(`${how}-after-model`);
      const distinct = new Set(flat);
      for (const symbol of distinct) this.knowledge.countSymbol(symbol);
      this.#reach(`${how}-after-symbols`);
      this.knowledge.countLearning(distinct.size);
      this.genes.set("last_learned_model_name", bareName);
    }
    this.#emotives = new Emotives();
    return name || undefined;
  }

  #takeMemory(): WorkingMemory {
    this.genes.need("WM");
    const memory = this.#memory;
    this.#memory = new WorkingMemory();
    return memory;
  }

  /** Drops what was observed and not learned, and what came of it; vectors wait on for the next Learn. */
  clearWorkingMemory(): void {
    this.genes.mend("WM");
    this.#memory = new WorkingMemory();
    this.#emotives = new Emotives();
    this.predictions = [];
    this.perceptData = {};
    this.symbols = [];
    this.averagedEmotives = {};
  }

  /** Drops all but the genes, predicting and sleeping. */
  clearAllMemory(): void {
    this.interval = 0;
    this.clearWorkingMemory();
    this.genes.need("superkb");
    this.knowledge.clear();
    this.#classifier.clear();
    this.genes.set("last_learned_model_name", null);
  }

  /** Makes the gene what is searched with, the increment added; false if that would leave (0, 1]. */
  incrementRecallThreshold(increment: number): boolean {
    const sum = this.genes.number("recall_threshold") + increment;
    if (!(sum > 0 && sum <= 1)) return false;
    this.#recallThreshold = round(sum, 1);
    this.genes.set("recall_threshold", this.#recallThreshold);
    return true;
  }

  get lastLearned(): Json {
    const name = this.genes.get("last_learned_model_name");
    return typeof name === "string" ? modelPrefix + name : (name ?? "");
  }

  /** Waits as long as each call is to take longer; Observe and Learn wait in their midst, where KATO takes its time. */
  async #delay(): Promise<void> {
    if (this.#delayMs > 0) await sleep(this.#delayMs, undefined, { ref: false });
  }
}
