import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import { simulatorInProcess } from "../../fixtures/simulator.ts";

// docs/kato.md, "RPC by RPC": max_sequence_length.

test("when there are max_sequence_length events they are learned, and the last one stays", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: 3 } });
  await kato.observeAll(["a"], ["b", "b2"]);
  assert.equal((await kato.status()).models_kb, "{KB| objects: 0}");
  await kato.observeAll(["c"]);
  const name = modelName([["a"], ["b", "b2"], ["c"]]);
  assert.equal((await kato.status()).last_learned_model_name, name);
  assert.equal((await kato.model(name)).frequency, 1);
  assert.deepEqual(await kato.workingMemory(), [["c"]]);
  await kato.observeAll(["d"], ["e"]);
  assert.equal((await kato.model(modelName([["c"], ["d"], ["e"]]))).frequency, 1);
});

test("it counts events, not symbols", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: 3 } });
  await kato.observeAll(["a", "b", "c"], ["d", "e", "f"]);
  assert.equal((await kato.workingMemory()).length, 2);
});

test("a lowered length acts at the next Observe, an empty or emotives-only one included", async (t) => {
  for (const observation of [{}, { emotives: { joy: 1 } }]) {
    const kato = await simulatorInProcess(t);
    await kato.observeAll(["a"], ["b"], ["c"], ["d"]);
    await kato.call("UpdateGenes", { genes: { max_sequence_length: 2 } });
    assert.equal((await kato.workingMemory()).length, 4);
    await kato.observe(observation);
    assert.deepEqual(await kato.workingMemory(), [["d"]]);
    assert.equal((await kato.model(modelName([["a"], ["b"], ["c"], ["d"]]))).frequency, 1);
  }
});

test("a failed Observe does not set off an auto-learn", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observeAll(["a"], ["b"]);
  await kato.call("UpdateGenes", { genes: { max_sequence_length: 1 } });
  assert.equal((await kato.observe({ unique_id: "" })).status, "FAILED");
  assert.deepEqual(await kato.workingMemory(), [["a"], ["b"]]);
});

test("with length 1 an event alone does not stay, and an event after another does", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: 1 } });
  await kato.observeAll(["a"]);
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.status()).models_kb, "{KB| objects: 0}");
  await kato.observeAll(["b", "c"]);
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.model(modelName([["b", "c"]]))).frequency, 1);

  await kato.call("UpdateGenes", { genes: { max_sequence_length: 0 } });
  await kato.observeAll(["d"]);
  await kato.call("UpdateGenes", { genes: { max_sequence_length: 1 } });
  await kato.observeAll(["e"], ["f"]);
  assert.deepEqual(await kato.workingMemory(), [["f"]]);
  assert.equal((await kato.model(modelName([["e"], ["f"]]))).frequency, 1);
});

test("a negative length sets off an auto-learn at every Observe", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: -5 } });
  await kato.observe();
  assert.deepEqual(await kato.workingMemory(), []);
  await kato.observeAll(["a", "b"]);
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.model(modelName([["a", "b"]]))).frequency, 1);
});

test("the last learned name stays when a single symbol is not learned, and is the same when a model is learned again", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: 1 } });
  await kato.observeAll(["a", "b"]);
  const name = modelName([["a", "b"]]);
  await kato.observeAll(["c"]);
  assert.equal((await kato.status()).last_learned_model_name, name);
  await kato.observeAll(["a", "b"]);
  assert.equal((await kato.status()).last_learned_model_name, name);
  assert.equal((await kato.model(name)).frequency, 2);
});

test("an auto-learn that fails drops the events, and its Observe is FAILED but counted", async (t) => {
  const kato = await simulatorInProcess(t);
  const name = await kato.learn(["a"], ["b"]);
  await kato.call("UpdateGenes", { genes: { max_sequence_length: 2 } });
  await kato.observe({ strings: ["a"], emotives: { joy: 1 } });
  const response = await kato.observe({ strings: ["b"] });
  assert.equal(response.status, "FAILED");
  assert.match(response.message ?? "", /must be an array/);
  assert.equal(response.interval, 4);
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.model(name)).frequency, 1);
});

test("the event that stays was classified before the vectors of its sequence were known", async (t) => {
  const kato = await simulatorInProcess(t, { manifest: { max_sequence_length: 2 } });
  await kato.observe({ vectors: [[1, 0]] });
  await kato.observe({ vectors: [[2, 0]] });
  const [kept = []] = await kato.workingMemory();
  assert.equal(kept.length, 1);
  await kato.call("UpdateGenes", { genes: { max_sequence_length: 0 } });
  await kato.observe({ vectors: [[2, 0]] });
  const [, again = []] = await kato.workingMemory();
  assert.equal(again.length, 2);
  assert.ok(again.includes(kept[0] ?? ""));
});
