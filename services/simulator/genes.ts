import type { Json } from "../../libs/kato/json.ts";
import type { Manifest } from "./manifest.ts";
import { Failure } from "./python/failure.ts";

/** Attributes of KATO's modeler that UpdateGenes can overwrite and whose loss breaks something. */
type Breakable = "WM" | "learn" | "superkb" | "max_predictions";
const objects: readonly string[] = ["WM", "learn", "superkb"] satisfies Breakable[];

/**
 * KATO's genes: plain attributes of its modeler, which UpdateGenes sets by name and as a float, whatever they are for
 * (docs/kato.md, "RPC by RPC").
 *
 * Invariant: what is in `#broken` has been overwritten and makes whoever needs it fail, until it is mended.
 */
export class Genes {
  readonly #values: Map<string, Json>;
  readonly #broken = new Set<string>();

  constructor(manifest: Manifest) {
    this.#values = new Map<string, Json>([
      ["name", `${manifest.name}-Modeler`],
      ["recall_threshold", manifest.recall_threshold],
      ["max_predictions", Math.trunc(manifest.max_predictions)],
      ["max_sequence_length", manifest.max_sequence_length],
      ["persistence", manifest.persistence],
      ["smoothness", manifest.smoothness],
      ["always_update_frequencies", manifest.always_update_frequencies],
      ["predict", true],
      ["QUIESCENCE", manifest.quiescence],
      ["AUTOACT_METHOD", manifest.auto_act_method],
      ["AUTOACT_THRESHOLD", manifest.auto_act_threshold],
      ["last_learned_model_name", null],
    ]);
  }

  /** The value, null for an unknown gene; a Failure for what is no plain value. */
  get(name: string): Json {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    if (objects.includes(name)) throw new Failure("ValueError", "Unexpected type");
    return null;
  }

  /** The value as a number; a Failure where UpdateGenes has left none (NaN and the infinite reach KATO as text). */
  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value === "number") return value;
    throw new Failure("TypeError", `'${name}' is no number`);
  }

  /** Whether Python takes the value for true. */
  isOn(name: string): boolean {
    return Boolean(this.#values.get(name));
  }

  set(name: string, value: Json): void {
    this.#values.set(name, value);
  }

  /** What UpdateGenes does: an unknown gene is ignored. */
  update(name: string, value: Json): void {
    if (objects.includes(name) || name === "max_predictions") this.#broken.add(name);
    if (objects.includes(name) || this.#values.has(name)) this.#values.set(name, value);
  }

  /** Throws a Failure if the attribute was overwritten. */
  need(name: Breakable): void {
    if (this.#broken.has(name)) throw new Failure("TypeError", `'float' object cannot be used as ${name}`);
  }

  /** A clear makes working memory anew. */
  mend(name: "WM"): void {
    if (this.#broken.delete(name)) this.#values.delete(name);
  }
}
