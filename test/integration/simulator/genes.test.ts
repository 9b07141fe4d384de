import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "../../fixtures/kato-client.ts";
import { simulatorInProcess } from "../../fixtures/simulator.ts";

// docs/kato.md, "RPC by RPC": UpdateGenes, GetGene, IncrementRecallThreshold.

test("every known gene can be read, as the manifest or UpdateGenes has set it", async (t) => {
  const kato = await simulatorInProcess(t);
  const expected = {
    recall_threshold: 0.1,
    max_predictions: 100,
    max_sequence_length: 0,
    persistence: 5,
    smoothness: 3,
    always_update_frequencies: false,
    predict: true,
    QUIESCENCE: 3,
    AUTOACT_METHOD: "none",
    AUTOACT_THRESHOLD: 0.8,
    name: "P1-Modeler",
    last_learned_model_name: null,
    nope: null,
  };
  for (const [gene, value] of Object.entries(expected))
    assert.equal(await kato.data("GetGene", { gene }), value);
  await kato.call("UpdateGenes", { genes: { smoothness: 0.1, nope: 2 } });
  assert.equal(await kato.data("GetGene", { gene: "smoothness" }), 0.1);
  assert.equal(await kato.data("GetGene", { gene: "nope" }), null);
});

test("a recall threshold set by UpdateGenes is read back, but the search uses it only after an increment of 0", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"], ["c"], ["d"]);
  await kato.call("UpdateGenes", { genes: { recall_threshold: 0.9 } });
  await kato.observeAll(["a"]);
  assert.equal((await kato.predictions()).length, 1);
  assert.equal(await kato.data("IncrementRecallThreshold", { value: 0 }), 0.9);
  await kato.observeAll(["b"]);
  assert.deepEqual(await kato.predictions(), []);
});

test("the recall threshold is rounded to one decimal, a tie to the even digit", async (t) => {
  const kato = await simulatorInProcess(t);
  for (const [set, rounded] of [
    [0.25, 0.2],
    [0.75, 0.8],
    [1, 1],
    [0.04, 0],
  ] as const) {
    await kato.call("UpdateGenes", { genes: { recall_threshold: set } });
    assert.equal(await kato.data("IncrementRecallThreshold", {}), rounded);
  }
  const refused = await kato.call("IncrementRecallThreshold", {});
  assert.equal(refused.message, "recall threshold must be between 0 > and <= 1");
});

test("overwriting WM breaks every call that needs it, until working memory is cleared", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observeAll(["a"]);
  await kato.call("UpdateGenes", { genes: { WM: 1 } });
  assert.equal(await kato.data("GetGene", { gene: "WM" }), 1);
  assert.equal((await kato.observe({ strings: ["a"] })).status, "FAILED");
  for (const method of ["GetWorkingMemory", "ShowStatus", "GetCognitionData", "Learn"] as const) {
    failureOf(await kato.call(method, {}));
  }
  await kato.call("ClearWorkingMemory", {});
  await kato.observeAll(["a"]);
  assert.deepEqual(await kato.workingMemory(), [["a"]]);
});

test("overwriting learn or superkb breaks the instance for good", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observeAll(["a"], ["b"]);
  await kato.call("UpdateGenes", { genes: { learn: 1 } });
  failureOf(await kato.call("Learn", {}));
  assert.equal((await kato.workingMemory()).length, 2);
  await kato.call("UpdateGenes", { genes: { superkb: 1 } });
  failureOf(await kato.call("GetModel", { name: "x" }));
  failureOf(await kato.call("GetVector", { name: "x" }));
  assert.equal((await kato.observe({ strings: ["a"] })).status, "FAILED");
  failureOf(await kato.call("ClearAllMemory", {}));
  assert.equal((await kato.call("Ping", {})).status, "OKAY");
  assert.equal(await kato.interval(), 0);
});
