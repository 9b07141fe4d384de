import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeResponse, encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { rpcs } from "../../../libs/kato/rpcs.ts";
import { readObservationFields, readResponseFields } from "../../../libs/kato/wire-fields.ts";

const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)));
const response: fc.Arbitrary<KatoResponse> = fc.record({
  status: fc.constantFrom("OKAY", "FAILED"),
  id: fc.string({ unit: "grapheme" }),
  interval: int32,
  time_stamp: fc.float({ noNaN: true, noDefaultInfinity: true }),
  message: fc.string({ unit: "grapheme" }),
});
const methods = Object.keys(rpcs) as Method[];

test("the head of any response says what the whole of it says", () => {
  fc.assert(
    fc.property(fc.constantFrom(...methods), response, (method, message) => {
      const bytes = encodeResponse(method, message);
      const { status, interval } = decodeResponse(method, bytes);
      assert.deepEqual(readResponseFields(bytes), { failed: status === "FAILED", interval });
    }),
  );
});

test("the head does not depend on the payload that follows it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), int32, (data, interval) => {
      const json = JSON.parse(JSON.stringify(data));
      const envelope = { status: "OKAY", id: "p1", interval, time_stamp: 0 } as const;
      const bytes = encodeResponse("GetPerceptData", { ...envelope, response: { data: json } });
      assert.deepEqual(readResponseFields(bytes), { failed: false, interval });
    }),
  );
});

test("the last of a field counts, and unknown fields are passed over, as protobuf has it", () => {
  // interval 5, then 9; field 15 as fixed64, field 16 as bytes, field 7 as fixed32.
  const bytes = Buffer.from([
    0x18, 5, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x82, 0x01, 2, 0x18, 7, 0x3d, 1, 2, 3, 4, 0x18, 9, 0x08, 1,
  ]);
  assert.deepEqual(readResponseFields(bytes), { failed: true, interval: 9 });
  assert.deepEqual(readResponseFields(new Uint8Array()), { failed: false, interval: 0 });
});

test("whatever bytes come, the head is read or refused with a RangeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const read of [readResponseFields, readObservationFields]) {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a message that ends within a field is refused", () => {
  const bytes = encodeRequest("Observe", { strings: ["abc"], unique_id: "u" });
  for (let length = 1; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    // After the first field the rest may be missing.
    if (length === 5) assert.equal(readObservationFields(cut).uniqueId, "");
    else assert.throws(() => readObservationFields(cut), RangeError, String(length));
  }
});

test("the head of any observation says its unique_id, and whether it makes an event", () => {
  const observation = fc.record(
    {
      strings: fc.array(fc.string({ unit: "grapheme" })),
      vectors: fc.array(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))),
      emotives: fc.dictionary(fc.string(), fc.float({ noNaN: true, noDefaultInfinity: true })),
      metadata: fc.dictionary(fc.string(), fc.string()),
      unique_id: fc.string({ unit: "grapheme" }),
      path: fc.array(fc.string()),
      source: fc.string(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(observation, (given) => {
      const message = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const { hasSymbols, uniqueId } = readObservationFields(encodeRequest("Observe", message));
      assert.equal(uniqueId, given.unique_id ?? "");
      assert.equal(hasSymbols, (given.strings?.length ?? 0) + (given.vectors?.length ?? 0) > 0);
    }),
  );
});
