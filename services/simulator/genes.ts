import type { Json } from "../../libs/kato/json.ts";
import type { Manifest } from "./manifest.ts";
import { Failure } from "./python/failure.ts";

/** Attributes of KATO's modeler that stop working once UpdateGenes has overwritten them with a float. */
type Breakable = "WM" | "learn" | "superkb" | "max_predictions";
/** Those of them that are Python objects, and so never can be read as a gene. */
const objectAttributes: readonly string[] = ["WM", "learn", "superkb"] satisfies Breakable[];

/**
 * KATO's genes. In KATO they are attributes of its modeler object, and UpdateGenes sets any attribute to a
 * float, without a look at what the attribute is for (docs/kato.md, "RPC by RPC").
 *
 * Invariant: an attribute in `#broken` was overwritten. Whatever uses it fails until the attribute is
 * repaired.
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

  /**
   * The gene's value; null for an unknown gene. Throws a Failure for an attribute that is a Python object.
   */
  get(name: string): Json {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    if (objectAttributes.includes(name)) throw new Failure("ValueError", "Unexpected type");
    return null;
  }

  /**
   * The gene's value as a number. Throws a Failure if it is none: UpdateGenes sets NaN and Infinity as texts.
   */
  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value === "number") return value;
    throw new Failure("TypeError", `'${name}' is no number`);
  }

  /** Whether the gene's value is true in Python's sense. */
  isOn(name: string): boolean {
    return Boolean(this.#values.get(name));
  }

  /** Sets a gene, with none of the side effects of `update`. */
  set(name: string, value: Json): void {
    this.#values.set(name, value);
  }

  /** Sets a gene as UpdateGenes does, with what that breaks; an unknown gene is ignored. */
  update(name: string, value: Json): void {
    if (objectAttributes.includes(name) || name === "max_predictions") this.#broken.add(name);
    if (objectAttributes.includes(name) || this.#values.has(name)) this.#values.set(name, value);
  }

  /** Throws a Failure if UpdateGenes has overwritten the attribute. */
  requireIntact(name: Breakable): void {
    if (this.#broken.has(name)) throw new Failure("TypeError", `'float' object cannot be used as ${name}`);
  }

  /** Makes working memory usable again: KATO creates it anew at each clear. */
  repair(name: "WM"): void {
    if (this.#broken.delete(name)) this.#values.delete(name);
  }
}
