import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "../../fixtures/kato-client.ts";
import { simulatorInProcess } from "../../fixtures/simulator.ts";

// docs/kato.md, "Every RPC" and "RPC by RPC", beyond what the recorded session shows.

test("interval counts every Observe and nothing else, and only ClearAllMemory sets it to 0", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observeAll(["a"], ["b"]);
  await kato.observe();
  await kato.observe({ unique_id: "" });
  await kato.observe({ strings: ["x"], vectors: [["no number"]] });
  assert.equal(await kato.interval(), 5);
  for (const method of ["Learn", "ClearWorkingMemory", "StartSleeping", "StopSleeping"] as const) {
    assert.equal((await kato.call(method, {})).interval, 5);
  }
  assert.equal((await kato.call("ClearAllMemory", {})).interval, 0);
});

test("strings are sorted within their event by code point, duplicates kept, behind the vectors' symbols", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observe({ strings: ["b", "a", "b", "\u{10000}", "\uffff"], vectors: [[1]] });
  const [[vector = "", ...strings] = []] = await kato.workingMemory();
  assert.match(vector, /^VECTOR\|[0-9a-f]{40}$/);
  assert.deepEqual(strings, ["a", "b", "b", "\uffff", "\u{10000}"]);
});

test("an Observe that fails while predicting leaves its event in working memory", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.call("UpdateGenes", { genes: { max_predictions: 50 } });
  assert.equal((await kato.observe({ strings: ["a"] })).status, "FAILED");
  assert.deepEqual(await kato.workingMemory(), [["a"]]);
  await kato.call("ClearAllMemory", {});
  assert.equal((await kato.observe({ strings: ["a"] })).status, "FAILED");
});

test("an Observe that fails before that leaves no event, but is in the percept data", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observe({
    strings: ["s"],
    vectors: [
      [1, 2],
      [1, 2, 3],
    ],
    unique_id: "bad",
  });
  assert.deepEqual(await kato.workingMemory(), []);
  assert.deepEqual(await kato.data("GetPerceptData", {}), {
    strings: ["s"],
    vectors: [
      [1, 2],
      [1, 2, 3],
    ],
    emotives: {},
    path: ["P1-p46b6b076c-process"],
    metadata: {},
  });
});

test("a sequence that is learned again has the same name and a frequency higher by one", async (t) => {
  const kato = await simulatorInProcess(t);
  const name = await kato.learn(["a"], ["b"]);
  assert.equal(await kato.learn(["a"], ["b"]), name);
  assert.equal((await kato.model(name)).frequency, 2);
  assert.equal((await kato.model(name.slice("MODEL|".length))).frequency, 2);
});

test("Learn leaves predictions and percept data, and drops a lone symbol without learning it", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"]);
  await kato.observeAll(["a"]);
  assert.equal((await kato.call("Learn", {})).message, "None");
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.predictions()).length, 1);
  assert.notDeepEqual(await kato.data("GetPerceptData", {}), {});
});

test("predictions stay until the next Observe with symbols", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"]);
  await kato.observeAll(["a"]);
  await kato.observe({ emotives: { joy: 1 } });
  assert.equal((await kato.predictions()).length, 1);
  await kato.call("StopPredicting", {});
  await kato.observe();
  assert.equal((await kato.predictions()).length, 1);
  await kato.observeAll(["b"]);
  assert.equal(await kato.data("GetAllPredictions", {}), null);
  await kato.call("ClearWorkingMemory", {});
  assert.deepEqual(await kato.predictions(), []);
});

test("emotives are averaged from Observe to Learn", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observe({ strings: ["a"], emotives: { joy: 1, fear: 0.1 } });
  await kato.observe({ strings: ["b"], emotives: { joy: 2 } });
  assert.deepEqual((await kato.status()).emotives, { joy: 1.5, fear: 0.1 });
  const { message: name = "" } = await kato.call("Learn", {});
  assert.deepEqual((await kato.model(name)).emotives, [{ joy: 1.5, fear: 0.1 }]);
  await kato.observe({ strings: ["c"], emotives: { joy: 8 } });
  assert.deepEqual((await kato.status()).emotives, { joy: 8 });
});

test("a model learned without emotives cannot be learned with any, and working memory is lost", async (t) => {
  const kato = await simulatorInProcess(t);
  const name = await kato.learn(["a"], ["b"]);
  await kato.observe({ strings: ["a"], emotives: { joy: 1 } });
  await kato.observeAll(["b"]);
  assert.match(failureOf(await kato.call("Learn", {})), /must be an array but is of type object/);
  assert.deepEqual(await kato.workingMemory(), []);
  assert.equal((await kato.model(name)).frequency, 1);
});

test("a NaN or infinite emotive fails Observes with emotives, and Learn, until working memory is cleared", async (t) => {
  const kato = await simulatorInProcess(t);
  for (const joy of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal((await kato.observe({ strings: ["a"], emotives: { joy } })).status, "FAILED");
    assert.deepEqual(await kato.workingMemory(), []);
    assert.equal((await kato.observe({ strings: ["b"], emotives: { fear: 1 } })).status, "FAILED");
    assert.equal((await kato.observe({ strings: ["b"] })).status, "OKAY");
    await kato.observeAll(["c"]);
    failureOf(await kato.call("Learn", {}));
    assert.deepEqual(await kato.workingMemory(), []);
    assert.equal((await kato.observe({ strings: ["b"], emotives: { fear: 1 } })).status, "FAILED");
    await kato.call("ClearWorkingMemory", {});
    assert.equal((await kato.observe({ strings: ["b"], emotives: { fear: 1 } })).status, "OKAY");
    await kato.call("ClearWorkingMemory", {});
  }
});

test("Learn stores the vectors of all Observes since the last one, through clears", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.observe({ vectors: [[1, 2]] });
  const [[name = ""] = []] = await kato.workingMemory();
  await kato.call("ClearWorkingMemory", {});
  assert.equal(await kato.data("GetVector", { name }), null);
  await kato.call("Learn", {});
  assert.deepEqual(await kato.data("GetVector", { name }), [1, 2]);
  assert.equal((await kato.status()).vectors_kb, "{KB| objects: 1}");
  await kato.call("ClearAllMemory", {});
  assert.equal(await kato.data("GetVector", { name }), null);
});

test("vectors that are not numbers fail", async (t) => {
  const kato = await simulatorInProcess(t);
  for (const vector of [["a"], [null], [Number.NaN], [1, "2"]]) {
    assert.equal((await kato.observe({ vectors: [vector] })).status, "FAILED");
  }
  assert.deepEqual(await kato.workingMemory(), []);
});

test("StartSleeping clears like ClearWorkingMemory, and neither it nor StopSleeping has another effect", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"]);
  await kato.observe({ strings: ["a"], emotives: { joy: 1 } });
  await kato.call("StartSleeping", {});
  assert.deepEqual(await kato.workingMemory(), []);
  assert.deepEqual(await kato.predictions(), []);
  assert.deepEqual(await kato.data("GetPerceptData", {}), {});
  const { SLEEPING, emotives } = await kato.status();
  assert.deepEqual([SLEEPING, emotives], [true, {}]);
  await kato.observeAll(["a"]);
  assert.equal((await kato.predictions()).length, 1);
  await kato.call("StopSleeping", {});
  assert.deepEqual(await kato.workingMemory(), [["a"]]);
});

test("ClearAllMemory leaves genes and predicting", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"]);
  await kato.call("UpdateGenes", { genes: { max_sequence_length: 9 } });
  await kato.call("StopPredicting", {});
  await kato.call("ClearAllMemory", {});
  assert.equal(await kato.data("GetGene", { gene: "max_sequence_length" }), 9);
  const { PREDICT, models_kb, last_learned_model_name } = await kato.status();
  assert.deepEqual([PREDICT, models_kb, last_learned_model_name], [false, "{KB| objects: 0}", ""]);
  await kato.observeAll(["a"]);
  assert.equal(await kato.data("GetAllPredictions", {}), null);
});

test("a deleted model is no longer predicted, and its name can be learned anew", async (t) => {
  const kato = await simulatorInProcess(t);
  const name = await kato.learn(["a"], ["b"]);
  await kato.learn(["a"], ["b"]);
  await kato.call("DeleteModel", { name });
  await kato.observeAll(["a"]);
  assert.deepEqual(await kato.predictions(), []);
  await kato.call("ClearWorkingMemory", {});
  await kato.learn(["a"], ["b"]);
  assert.equal((await kato.model(name)).frequency, 1);
});

test("cognition data has the predictions and the last Observe's symbols", async (t) => {
  const kato = await simulatorInProcess(t);
  await kato.learn(["a"], ["b"]);
  await kato.observe({ strings: ["c", "a"], emotives: { joy: 0.1 }, metadata: { k: "v" } });
  const { response } = await kato.call("GetCognitionData", {});
  const { predictions, ...rest } = response as { predictions: { matches: string[] }[] };
  assert.deepEqual(predictions[0]?.matches, ["a"]);
  assert.deepEqual(rest, {
    emotives: { joy: 0.1 },
    symbols: ["a", "c"],
    working_memory: [["a", "c"]],
    command: "",
    metadata: {},
    path: [],
    strings: [],
    vectors: [],
  });
});

test("keys that mean something in JavaScript are keys like any other", async (t) => {
  const kato = await simulatorInProcess(t);
  const emotives = JSON.parse('{"__proto__": 1, "constructor": 2}');
  await kato.observe({ strings: ["__proto__", "constructor"], emotives });
  const { message: name = "" } = await kato.call("Learn", {});
  assert.deepEqual((await kato.model(name)).emotives, [emotives]);
  await kato.observeAll(["__proto__"]);
  assert.deepEqual((await kato.predictions())[0]?.emotives, emotives);
});
