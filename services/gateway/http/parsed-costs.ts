import { randomInt } from "node:crypto";

/**
 * What JSON.parse takes for each value, in bytes, with the value's place in what it is in: measured with Node 24
 * (docs/decisions/0025-limits-on-requests.md). The characters of a string come to it.
 */
export const costs = { array: 56, object: 32, emptyObject: 64, string: 24, number: 8 } as const;

/** A name that comes behind other names than before, so that V8 describes another kind of object. */
const newNameCost = 128;
/** A name that is a number; V8 gives such an object a table besides. */
const indexNameCost = 168;
/** Behind this many names V8 makes a table of an object. */
const describedNames = 128;
const tableNameCost = 56;

const digit0 = 0x30;
const digit9 = 0x39;
const maxIndexLength = 10;

const knownShapes = 2048;
/**
 * The hashes of the sequences of names that were met lately, each at the place that its lowest bits say. All
 * bodies share the table, as making one for each would cost more than most bodies. What other bodies have left
 * there is never met, because each body's hashes begin with another number.
 */
const known = new Int32Array(knownShapes);
/** It begins somewhere, so that nobody can send names that are taken for each other. */
let lastBody = randomInt(0x7fff_ffff);
const bodyStep = 0x9e37_79b9;
const prime = 0x0100_0193;

/**
 * Tells what the names of objects take. V8 describes each sequence of names once, however many objects have it:
 * a thousand observations with the same fields cost the names of one. Sequences that differ cost 20 times as
 * much.
 */
export class ObjectShapes {
  /** Of each object that is open, by its depth: a hash of its names so far, and how many they are. */
  readonly #shapes: number[] = [];
  readonly #names: number[] = [];
  readonly #noNames: number;

  constructor() {
    lastBody = (lastBody + bodyStep) | 0;
    this.#noNames = lastBody;
  }

  begin(depth: number): void {
    this.#shapes[depth] = this.#noNames;
    this.#names[depth] = 0;
  }

  /** What the next name of the object at this depth takes: the bytes of this text from one place to another. */
  nameCost(depth: number, json: Uint8Array, from: number, to: number): number {
    const names = this.#names[depth] ?? 0;
    this.#names[depth] = names + 1;
    if (names >= describedNames) return tableNameCost;
    const first = json[from] ?? 0;
    if (first >= digit0 && first <= digit9 && to - from <= maxIndexLength) return indexNameCost;
    let shape = this.#shapes[depth] ?? this.#noNames;
    for (let at = from; at < to; at++) shape = Math.imul(shape ^ (json[at] ?? 0), prime);
    // What ends a name counts, too: "ab" and "c" are not "a" and "bc".
    shape = Math.imul(shape ^ 0x100, prime);
    this.#shapes[depth] = shape;
    const place = shape & (knownShapes - 1);
    if (known[place] === shape) return 0;
    known[place] = shape;
    return newNameCost;
  }
}
