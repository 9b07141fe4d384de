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
 * KATO's classifier "CVC": turns the vectors of an observation into symbols (docs/kato.md, "Predictions", last paragraph).
 *
 * - `known` are the learned vectors in the order of their learning, one learned n times n times: only those of before the
 *   start count once, as MongoDB keeps each name once.
 * - `observed` wait for the next Learn. No clear but ClearAllMemory drops them.
 */
export class Classifier {
  readonly #knowledge: Knowledge;
  #known: NamedVector[];
  #observed: NamedVector[] = [];

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#known = [...knowledge.vectors].map(([name, values]) => ({ name, values }));
  }

  /** The symbol of the vectors' sum and those of the three nearest learned ones, in no order that counts. */
  classify(vectors: readonly Json[]): string[] {
    const values = vectors.map(numbersOf).reduce((left, right) => combined(left, right, (a, b) => a + b));
    if (!values.every(Number.isFinite)) throw notNumbers();
    const name = vectorName(values);
    const symbols = new Set(this.#nearest(values));
    this.#observed.push({ name, values });
    return [...symbols.add(name)];
  }

  /** Stores the vectors observed since the last Learn, each with a write of its own. */
  learn(): void {
    for (const { name, values } of this.#observed) this.#knowledge.learnVector(name, values);
    this.#known.push(...this.#observed);
    this.#observed = [];
  }

  clear(): void {
    this.#known = [];
    this.#observed = [];
  }

  #nearest(values: readonly number[]): string[] {
    const distances = this.#known.map((vector) => ({
      name: vector.name,
      distance: Math.sqrt(combined(values, vector.values, (a, b) => (a - b) ** 2).reduce((a, b) => a + b, 0)),
    }));
    return distances
      .sort((left, right) => left.distance - right.distance)
      .slice(0, 3)
      .map(({ name }) => name);
  }
}

/** `VECTOR|` and the sha1 of the vector as numpy prints it. */
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

/** Element by element; as in numpy, a list of one goes with any other. */
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
