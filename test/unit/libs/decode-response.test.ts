import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import fc from "fast-check";
import { encodeResponse } from "../../../libs/kato/codec.ts";
import { readResponse } from "../../../libs/kato/decode-response.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import { jsonOfList, jsonOfStruct } from "../../../libs/kato/protobuf-struct.ts";

// What stands here is protobufjs itself, with none of our reader between.
const proto = fileURLToPath(new URL("../../../proto/kato_proc.proto", import.meta.url));
const service = loadSync(proto, {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  objects: true,
  oneofs: true,
})["kato_proc.KatoEngine"] as ServiceDefinition;
const byProtobufjs = (method: "GetPerceptData" | "GetCognitionData" | "Observe", bytes: Buffer) =>
  service[method]?.responseDeserialize(bytes) as Record<string, never>;

const { json } = fc.letrec<{ json: Json; object: JsonObject }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("json")),
    tie("object"),
  ),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), tie("json")),
}));
const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const head = {
  status: fc.constantFrom<"OKAY" | "FAILED">("OKAY", "FAILED"),
  id: fc.string({ unit: "grapheme" }),
  interval: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  time_stamp: float,
};

test("a response with any Struct, or with a text, reads as with protobufjs", () => {
  const response = fc.oneof(
    fc.record({ ...head, message: fc.string({ unit: "grapheme" }) }),
    fc.record({ ...head, response: fc.dictionary(fc.string(), json) }),
  );
  fc.assert(
    fc.property(response, (original) => {
      const bytes = encodeResponse("GetPerceptData", original);
      const { response_oneof, response: struct, ...plain } = byProtobufjs("GetPerceptData", bytes);
      const expected =
        response_oneof === "response" ? { ...plain, response: jsonOfStruct(struct ?? {}) } : plain;
      assert.deepEqual(readResponse(bytes, "struct"), expected);
    }),
  );
});

test("an answer to an Observe reads as with protobufjs", () => {
  const response = fc.record({ ...head, message: fc.string(), unique_id: fc.string() });
  fc.assert(
    fc.property(response, (original) => {
      const bytes = encodeResponse("Observe", original);
      assert.deepEqual(readResponse(bytes, "unique_id"), { ...byProtobufjs("Observe", bytes) });
    }),
  );
});

test("any cognition data read as with protobufjs, each float32 as itself", () => {
  const texts = fc.array(fc.string({ unit: "grapheme" }));
  const lists = fc.array(texts);
  const floats = fc.dictionary(fc.string(), float);
  const prediction = fc.record(
    { name: fc.string(), frequency: fc.nat(), snr: float, missing: texts, past: lists, emotives: floats },
    { requiredKeys: [] },
  );
  const cognition = fc.record(
    {
      predictions: fc.array(prediction),
      emotives: floats,
      symbols: texts,
      command: fc.string(),
      metadata: fc.dictionary(fc.string(), fc.string()),
      vectors: fc.array(fc.array(fc.double({ noNaN: true }))),
      working_memory: lists,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(cognition, (original) => {
      const bytes = encodeResponse("GetCognitionData", {
        status: "OKAY",
        id: "p1",
        interval: 1,
        time_stamp: 0,
        response: original,
      });
      const { response } = byProtobufjs("GetCognitionData", bytes);
      assert.deepEqual(rounded(readResponse(bytes, "cognition").response), rounded(withPlainLists(response)));
    }),
  );
});

/** With each list as JSON. A ListValue is what has `values` alone. */
function withPlainLists(wire: unknown): unknown {
  if (Array.isArray(wire)) return wire.map(withPlainLists);
  if (typeof wire !== "object" || wire === null) return wire;
  const keys = Object.keys(wire);
  if (keys.length === 1 && "values" in wire && Array.isArray(wire.values))
    return jsonOfList({ values: wire.values });
  return Object.fromEntries(Object.entries(wire).map(([key, value]) => [key, withPlainLists(value)]));
}

/** With each number as a float32. */
function rounded(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json), (_key, value) =>
    typeof value === "number" ? Math.fround(value) : value,
  );
}

test("bytes that are no response give a result or a RangeError, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const form of ["struct", "cognition", "unique_id"] as const) {
        try {
          readResponse(Buffer.from(bytes), form);
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
  const deep = Buffer.alloc(4_000_000, 0x32);
  assert.throws(() => readResponse(deep, "struct"), RangeError);
});
