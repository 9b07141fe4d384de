import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import fc from "fast-check";
import {
  decodeSequence,
  decodeSequenceResults,
  encodeSequence,
  encodeSequenceResults,
  sequenceBytes,
} from "../../../libs/kato/compound-commands.ts";

const proto = fileURLToPath(new URL("../../../proto/command.proto", import.meta.url));
const byProtobufjs = loadSync(proto, { keepCase: true })["kato_gateway.Sequence"] as MessageTypeDefinition<
  object,
  object
>;
const bytes = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 100, maxLength: 300 }));
const plain = (parts: Uint8Array) => Buffer.from(parts);

test("a Sequence is the bytes of protobufjs, as many as were reckoned, and reads as it was", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ method: fc.string(), request: bytes })), (steps) => {
      const data = encodeSequence(steps);
      assert.deepEqual(data, byProtobufjs.serialize({ steps }));
      const sizes = steps.map(({ method, request }) => ({ method, requestBytes: request.length }));
      assert.equal(sequenceBytes(sizes), data.length);
      assert.deepEqual(
        decodeSequence(data).map(({ method, request }) => ({ method, request: plain(request) })),
        steps.map(({ method, request }) => ({ method, request: plain(request) })),
      );
    }),
  );
});

test("the results of a Sequence read as they were", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ response: bytes, auto_learned_model: fc.string() })), (results) => {
      const expected = results.map(({ response, ...rest }) => ({ response: plain(response), ...rest }));
      const read = decodeSequenceResults(encodeSequenceResults(results));
      assert.deepEqual(
        read.map(({ response, ...rest }) => ({ response: plain(response), ...rest })),
        expected,
      );
    }),
  );
});

test("bytes that are no Sequence are an error", () => {
  assert.throws(() => decodeSequence(Buffer.from([0x0a, 0xff])), RangeError);
  assert.throws(() => decodeSequenceResults(Buffer.from([0x07])), RangeError);
});
