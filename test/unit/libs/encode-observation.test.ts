import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import fc from "fast-check";
import { encodeObservation, observationBytes } from "../../../libs/kato/encode-observation.ts";

// What stands here is protobufjs itself, with none of our code between.
const proto = fileURLToPath(new URL("../../../proto/kato_proc.proto", import.meta.url));
const service = loadSync(proto, { keepCase: true })["kato_proc.KatoEngine"] as ServiceDefinition;
const observe = service.Observe;
assert.ok(observe);

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }).filter((made) => made.isWellFormed()),
  fc.nat(40_000).map((length) => "é".repeat(length)),
);
const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "1", "0"));
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, Infinity, -Infinity, Number.NaN));
const mapOf = <T>(value: fc.Arbitrary<T>) =>
  fc
    .array(fc.tuple(key, value), { maxLength: 5 })
    .map((entries) => Object.fromEntries(entries) as Record<string, T>);

const observation = fc.record(
  {
    strings: fc.array(text),
    vectors: fc.array(fc.array(number)),
    emotives: mapOf(fc.float()),
    metadata: mapOf(text),
    unique_id: text,
    path: fc.array(text),
    source: text,
  },
  { noNullPrototype: true, requiredKeys: [] },
);

type Made = typeof observation extends fc.Arbitrary<infer T> ? T : never;

function byProtobufjs({ vectors, ...rest }: Made): Buffer {
  const listed = vectors?.map((vector) => ({
    values: vector.map((numberValue: number) => ({ numberValue })),
  }));
  return observe?.requestSerialize({ ...rest, ...(listed && { vectors: listed }) }) ?? Buffer.alloc(0);
}

test("the bytes of any observation are those of protobufjs, and as many as were reckoned", () => {
  fc.assert(
    fc.property(observation, (original) => {
      const bytes = encodeObservation(original);
      assert.equal(observationBytes(original), bytes.length);
      assert.deepEqual(bytes, byProtobufjs(original));
    }),
    { numRuns: 300 },
  );
});

test("vectors of every length are the bytes of protobufjs", () => {
  for (const length of [0, 1, 11, 12, 1_489, 1_490, 200_000]) {
    const vectors = [Array.from({ length }, (_, index) => index / 3), [1]];
    assert.ok(encodeObservation({ vectors }).equals(byProtobufjs({ vectors })), String(length));
  }
});
