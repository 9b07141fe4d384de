import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { comparableRequest } from "../../../libs/kato/comparable-request.ts";
import { encodeSequence } from "../../../libs/kato/compound-commands.ts";
import type { Observation } from "../../../libs/kato/messages.ts";

const observe = (observation: Observation) => encodeRequest("Observe", observation);
const of = (observation: Observation) => comparableRequest("Observe", observe(observation));
const sequenceOf = (...all: Observation[]) =>
  comparableRequest(
    "Sequence",
    encodeSequence(all.map((each) => ({ method: "Observe", request: observe(each) }))),
  );

const one = { strings: ["a"], emotives: { joy: 1, fear: 2 }, metadata: { k: "v", l: "w" }, unique_id: "u" };
const sameInOtherOrder = { ...one, emotives: { fear: 2, joy: 1 }, metadata: { l: "w", k: "v" } };

test("requests whose maps come in another order are the same", () => {
  assert.notDeepEqual(observe(one), observe(sameInOtherOrder));
  assert.deepEqual(of(one), of(sameInOtherOrder));
  assert.deepEqual(sequenceOf({ strings: ["x"] }, one), sequenceOf({ strings: ["x"] }, sameInOtherOrder));
  const genes = [
    { persistence: 1, smoothness: 2 },
    { smoothness: 2, persistence: 1 },
  ];
  const [a, b] = genes.map((each) =>
    comparableRequest("UpdateGenes", encodeRequest("UpdateGenes", { genes: each })),
  );
  assert.ok(a);
  assert.deepEqual(a, b);
});

test("requests that differ in anything else are not", () => {
  for (const other of [
    { ...one, emotives: { joy: 2, fear: 1 } },
    { ...one, emotives: { joy: 1, fear: 2, k: 3 } },
    { ...one, metadata: { k: "w", l: "v" } },
    { ...one, strings: ["b"] },
    { ...one, unique_id: "v" },
  ]) {
    assert.notDeepEqual(of(one), of(other));
    assert.notDeepEqual(sequenceOf(one), sequenceOf(other));
  }
  assert.notDeepEqual(of({ ...one, strings: ["a", "b"] }), of({ ...one, strings: ["b", "a"] }));
  assert.notDeepEqual(sequenceOf(one, { strings: ["x"] }), sequenceOf({ strings: ["x"] }, one));
});

test("a request with nothing that could change places has no form of its own", () => {
  assert.equal(of({ strings: ["b", "a"], emotives: { joy: 1 } }), undefined);
  assert.equal(sequenceOf({ strings: ["a"] }), undefined);
  assert.equal(comparableRequest("Learn", new Uint8Array()), undefined);
});
