import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  pathOf,
} from "../../../libs/kato/codec.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import { jsonOfStruct, structOfJson } from "../../../libs/kato/protobuf-struct.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { rpcs } from "../../../libs/kato/rpcs.ts";

interface GoldenCall {
  rpc: Method;
  request: object;
  oneof: "message" | "response" | null;
  response: KatoResponse;
}

const golden: GoldenCall[] = readFileSync(new URL("../../fixtures/golden.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "prototype", "toString"));
const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json; object: JsonObject }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("json")),
    tie("object"),
  ),
  object: fc.array(fc.tuple(key, tie("json"))).map((entries) => Object.fromEntries(entries) as JsonObject),
})).json;
const object = fc.array(fc.tuple(key, json)).map((entries) => Object.fromEntries(entries) as JsonObject);
// Proto3 leaves a zero out, and with it the sign of a negative one.
const float = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const floats = fc
  .array(fc.tuple(key, float))
  .map((entries) => Object.fromEntries(entries) as Record<string, number>);

const envelope = { status: "OKAY", id: "p1", interval: 3, time_stamp: 0 } as const;

test("the table has KATO's 26 RPCs, each in the proto", () => {
  assert.equal(Object.keys(rpcs).length, 26);
  for (const method of Object.keys(rpcs))
    assert.equal(pathOf(method as Method), `/kato_proc.KatoEngine/${method}`);
});

test("every recorded response is the same after encoding and decoding", () => {
  assert.equal(golden.length, 103);
  for (const call of golden) {
    const decoded = decodeResponse(call.rpc, encodeResponse(call.rpc, call.response));
    assert.deepEqual(decoded, { ...call.response, time_stamp: Math.fround(call.response.time_stamp) });
  }
});

test("every recorded request is the same after decoding", () => {
  for (const { rpc, request } of golden) {
    const decoded = decodeRequest(rpc, encodeRequest(rpc, request as never));
    for (const [name, value] of Object.entries(request)) {
      assert.deepEqual((decoded as Record<string, unknown>)[name], asFloat32(name, value));
    }
  }
});

/** Emotives and genes are float32 on the wire. */
function asFloat32(name: string, value: unknown): unknown {
  if ((name !== "emotives" && name !== "genes") || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(Object(value)).map(([key, number]) => [key, Math.fround(Number(number))]),
  );
}

test("any JSON object is the same after Struct, even with __proto__, and no prototype changes", () => {
  fc.assert(
    fc.property(object, (original) => {
      const copy = jsonOfStruct(structOfJson(original));
      assert.deepEqual(copy, original);
      assert.equal(Object.getPrototypeOf(copy), Object.prototype);
      const response = { ...envelope, response: original };
      assert.deepEqual(
        decodeResponse("GetPerceptData", encodeResponse("GetPerceptData", response)),
        response,
      );
    }),
  );
});

test("any observation is the same after encoding and decoding", () => {
  const observation = fc.record(
    {
      strings: fc.array(fc.string({ unit: "grapheme" })),
      vectors: fc.array(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))),
      emotives: floats,
      metadata: fc.array(fc.tuple(key, fc.string())).map((entries) => Object.fromEntries(entries)),
      unique_id: fc.string(),
      path: fc.array(fc.string()),
      source: fc.string(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(observation, (original) => {
      const { symbols, predictions, command, ...copy } = decodeRequest(
        "Observe",
        encodeRequest("Observe", original),
      ) as typeof original & Record<string, unknown>;
      assert.deepEqual({ symbols, predictions, command }, { symbols: [], predictions: [], command: "" });
      assert.deepEqual(copy, original);
    }),
  );
});

test("a float32 of cognition data has the fewest digits that identify it", () => {
  fc.assert(
    fc.property(float, (value) => {
      const bytes = encodeResponse("GetCognitionData", {
        ...envelope,
        response: { emotives: { joy: value } },
      });
      const { emotives } = decodeResponse("GetCognitionData", bytes).response as {
        emotives: { joy: number };
      };
      assert.equal(Math.fround(emotives.joy), value);
    }),
  );
  const bytes = encodeResponse("GetCognitionData", { ...envelope, response: { emotives: { joy: 0.1 } } });
  assert.deepEqual((decodeResponse("GetCognitionData", bytes).response as JsonObject).emotives, { joy: 0.1 });
});

test("bytes that are not a message are an error", () => {
  assert.throws(() => decodeResponse("Observe", Buffer.from([0x0a, 0xff])), RangeError);
});
