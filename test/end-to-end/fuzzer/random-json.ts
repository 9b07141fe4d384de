import type { OpenAPIV3_1 } from "openapi-types";
import type { Random } from "../../unit/worker/crash-schedules/random.ts";

type Schema = OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject;

export const oddTexts = [
  "",
  "a",
  "MODEL|x",
  "p1",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "ü\u{1f600}",
  "../../etc/passwd",
  "%00",
  "x".repeat(2_000),
  "NaN",
  "1e400",
];
const oddNumbers = [0, -0, 1, -1, 0.1, 1e39, -1e39, 2 ** 31, 2 ** 53, 5e-324, 1e308];
const oddValues: unknown[] = [null, true, false, [], {}, [[]], [null], { data: {} }, { data: null }];

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.integer(items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

/** A value that a schema allows, as far as the schemas of this API go. */
export function sampleOf(schema: Schema, random: Random, resolve: (schema: Schema) => Schema): unknown {
  const found = resolve(schema) as OpenAPIV3_1.SchemaObject;
  const again = (inner: Schema) => sampleOf(inner, random, resolve);
  const choices = found.anyOf ?? found.oneOf;
  if (choices) return again(pick(random, choices));
  if (found.const !== undefined) return found.const;
  if (found.enum) return pick(random, found.enum);
  if (found.type === "array") {
    return Array.from({ length: random.integer(4) + (found.minItems ?? 0) }, () => again(found.items));
  }
  if (found.type === "object" || found.properties) {
    const { properties = {}, required = [], additionalProperties } = found;
    const wanted = Object.entries(properties).filter(
      ([name]) => required.includes(name) || random.integer(2),
    );
    const entries = wanted.map(([name, inner]): [string, unknown] => [name, again(inner)]);
    if (typeof additionalProperties === "object") {
      for (let left = random.integer(3); left > 0; left--) {
        entries.push([pick(random, oddTexts), again(additionalProperties)]);
      }
    }
    return Object.fromEntries(entries);
  }
  if (found.type === "integer") return random.integer(100);
  if (found.type === "number") return pick(random, oddNumbers);
  if (found.type === "boolean") return random.integer(2) === 1;
  if (found.type === "string") return pick(random, oddTexts);
  return oddValue(random);
}

function oddValue(random: Random): unknown {
  return pick(random, [...oddValues, ...oddTexts, ...oddNumbers]);
}

/** Breaks a value somewhere: another type, a field more, less or misspelt, a level more. */
export function broken(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.integer(4) === 0) return oddValue(random);
  if (Array.isArray(value)) {
    if (value.length === 0) return [oddValue(random)];
    return value.with(random.integer(value.length), broken(pick(random, value), random));
  }
  const entries = Object.entries(value);
  const [name = "", inner] = entries.length > 0 ? pick(random, entries) : [];
  const others = entries.filter(([other]) => other !== name);
  const changed: [string, unknown][][] = [
    [...others, [name, broken(inner, random)]],
    [...others, [`${name.slice(0, -1)}`, inner]],
    [...entries, [pick(random, oddTexts), oddValue(random)]],
    others,
    [["data", value]],
  ];
  return Object.fromEntries(pick(random, changed));
}

/** Breaks bytes: some lost, some changed, some more. */
export function brokenBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.integer(bytes.length + 1);
  const byte = Buffer.from([random.integer(256)]);
  return pick(random, [
    bytes.subarray(0, at),
    Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at)]),
    Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at + 1)]),
    Buffer.concat([bytes, bytes]),
    Buffer.concat([Buffer.from("\ufeff"), bytes]),
  ]);
}
