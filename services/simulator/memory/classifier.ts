import { createHash } from "node:crypto";
import type { Json } from "../../../libs/kato/json.ts";
import { Failure } from "../python/failure.ts";
import { printArray } from "../python/numpy.ts";
import type { Knowledge } from "./knowledge.ts";

interface NamedVector {
  readonly name: string;
  readonly values: readonly number[];
}

/**
 * KATO's classifier "CVC": it turns the vectors of an observation into symbols (docs/kato.md, "Predictions",
 * last paragraph).
 *
 * - `#learned` has the learned vectors in the order of their learning. A vector that was learned n times
 *   since the start is there n times. One from before the start is there once, as MongoDB has each name once.
 * - `#observed` has the vectors that the next Learn will store. Of all clears only ClearAllMemory drops them.
 */
export class Classifier {
  readonly #knowledge: Knowledge;
  #learned: NamedVector[];
  #observed: NamedVector[] = [];

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#learned = [...knowledge.vectors].map(([name, values]) => ({ name, values }));
  }

  /**
   * The symbols of an observation's vectors: that of their sum, and those of the three learned vectors
   * nearest to it. The order has no meaning. Throws a Failure for what cannot be added up.
   */
  classify(vectors: readonly Json[]): string[] {
    const values = vectors.map(numbersOf).reduce((left, right) => combined(left, right, (a, b) => a + b));
    if (!values.every(Number.isFinite)) throw notNumbers();
    const name = vectorName(values);
    const symbols = new Set(this.#nearest(values));
    this.#observed.push({ name, values });
    return [...symbols.add(name)];
  }

  /** Stores the vectors that were observed since the last Learn, each by a write of its own. */
  learn(): void {
    for (const { name, values } of this.#observed) this.#knowledge.learnVector(name, values);
    this.#learned.push(...this.#observed);
    this.#observed = [];
  }

  /** Forgets all vectors, as ClearAllMemory does. */
  clear(): void {
    this.#learned = [];
    this.#observed = [];
  }

  #nearest(values: readonly number[]): string[] {
    const distances = this.#learned.map((vector) => ({
      name: vector.name,
      distance: Math.sqrt(combined(values, vector.values, (a, b) => (a - b) ** 2).reduce((a, b) => a + b, 0)),
    }));
    return distances
      .sort((left, right) => left.distance - right.distance)
      .slice(0, 3)
      .map(({ name }) => name);
  }
}

/** The symbol of a vector: `VECTOR|` and the SHA-1 of the text that numpy prints for it. */
export function vectorName(values: readonly number[]): string {
  return `VECTOR|${createHash("sha1").update(printArray(values), "utf8").digest("hex")}`;
}

function numbersOf(vector: Json): number[] {
  if (!Array.isArray(vector)) throw notNumbers();
  return vector.map((value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) throw notNumbers();
    return value;
  });
}

function notNumbers(): Failure {
  return new Failure("TypeError", "unsupported operand type(s) in a vector that is no list of numbers");
}

/**
 * Combines two lists element by element. As numpy's broadcasting does, a list of one element is combined with
 * each element of the other. Throws a Failure for other lists of unequal length.
 */
function combined(
  left: readonly number[],
  right: readonly number[],
  operation: (left: number, right: number) => number,
): number[] {
  if (left.length !== right.length && left.length !== 1 && right.length !== 1) {
    const shapes = `(${left.length},) (${right.length},)`;
    throw new Failure("ValueError", `operands could not be broadcast together with shapes ${shapes}`);
  }
  const length = left.length === 1 ? right.length : left.length;
  const element = (list: readonly number[], at: number) => list[list.length === 1 ? 0 : at] ?? 0;
  return Array.from({ length }, (_, at) => operation(element(left, at), element(right, at)));
}
