import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { CrashPoint } from "../../../services/simulator/crash-points.ts";
import type { KatoClient } from "../../fixtures/kato-client.ts";
import { simulatorInProcess, spawnSimulator } from "../../fixtures/simulator.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

// docs/kato.md, "A restart"; docs/recovery.md, "The instance died in a Learn".

/**
 * Runs `use` against a simulator of the folder that dies at this place. Gives the simulator that follows it, which
 * needs no process of its own, as it does not die.
 */
async function afterDeathAt(
  t: TestContext,
  SIMULATOR_DATA: string,
  place: CrashPoint,
  use: (kato: KatoClient) => Promise<unknown>,
): Promise<KatoClient> {
  const mortal = await spawnSimulator(t, { SIMULATOR_DATA, SIMULATOR_FAULT: `${place}:1` });
  await assert.rejects(use(mortal.kato), { code: 14 });
  assert.equal(await mortal.service.exited, "ended by SIGKILL", place);
  return simulatorInProcess(t, { dataFolder: SIMULATOR_DATA });
}

const events = [["a"], ["b", "c"], ["d"]];
const name = modelName(events);

/** The two ways to learn a sequence, by the beginning of the names of their places. */
const learnings: Record<"learn" | "autolearn", (kato: KatoClient) => Promise<unknown>> = {
  learn: (kato) => kato.learn(...events),
  autolearn: async (kato) => {
    await kato.call("UpdateGenes", { genes: { max_sequence_length: 3 } });
    await kato.observeAll(...events);
  },
};

test("a restart keeps models, vectors and symbol statistics, and loses everything else", async (t) => {
  const SIMULATOR_DATA = temporaryFolder(t);
  const first = await spawnSimulator(t, { SIMULATOR_DATA });
  const { kato } = first;
  await kato.observe({ strings: ["a"], vectors: [[1, 2]], emotives: { joy: 1 } });
  const [[, vector = ""] = []] = [(await kato.workingMemory())[0]?.toSorted().reverse()];
  await kato.observeAll(["b"]);
  const { message: learned = "" } = await kato.call("Learn", {});
  await kato.learn(["b"], ["c"]);
  await kato.learn(["b"], ["c"]);
  await kato.observeAll(["b"], ["q"]);
  const [predictions, model] = [await kato.predictions(), await kato.model(learned)];
  assert.equal(predictions.length, 2);
  await kato.call("UpdateGenes", { genes: { recall_threshold: 0.9, max_sequence_length: 50 } });
  await kato.call("IncrementRecallThreshold", {});
  await kato.call("StopPredicting", {});
  await kato.call("StartSleeping", {});
  await kato.observe({ strings: ["z"], emotives: { fear: 1 } });
  await first.service.kill();

  const again = await simulatorInProcess(t, { dataFolder: SIMULATOR_DATA });
  assert.deepEqual(await again.status(), {
    name: "P1",
    time: 0,
    num_observe_call: 0,
    SLEEPING: false,
    PREDICT: true,
    AUTOLEARN: false,
    emotives: {},
    target: null,
    size_WM: 0,
    vectors_kb: "{KB| objects: 1}",
    models_kb: "{KB| objects: 2}",
    last_command: "",
    last_learned_model_name: "",
  });
  assert.deepEqual(await again.data("GetPerceptData", {}), {});
  assert.deepEqual(await again.predictions(), []);
  assert.equal(await again.data("GetGene", { gene: "recall_threshold" }), 0.1);
  assert.equal(await again.data("GetGene", { gene: "max_sequence_length" }), 0);
  assert.deepEqual(await again.model(learned), model);
  assert.deepEqual(await again.data("GetVector", { name: vector }), [1, 2]);
  await again.observeAll(["b"], ["q"]);
  assert.deepEqual(await again.predictions(), predictions);
});

test("without a folder a restart keeps nothing", async (t) => {
  const first = await spawnSimulator(t);
  await first.kato.learn(["a"], ["b"]);
  await first.service.kill();
  const { kato } = await spawnSimulator(t);
  assert.equal((await kato.status()).models_kb, "{KB| objects: 0}");
});

for (const [how, learn] of Object.entries(learnings) as [
  "learn" | "autolearn",
  (typeof learnings)["learn"],
][]) {
  test(`a death in ${how} before the model is written leaves no trace of it`, async (t) => {
    const kato = await afterDeathAt(t, temporaryFolder(t), `${how}-after-clear`, learn);
    assert.deepEqual(await kato.model(name), {});
    await kato.observeAll(["a"]);
    assert.deepEqual(await kato.predictions(), []);
  });

  for (const place of ["after-model", "after-symbols"] as const) {
    test(`a first model torn at ${how}-${place} fails every Observe that matches it, until it is deleted`, async (t) => {
      const kato = await afterDeathAt(t, temporaryFolder(t), `${how}-${place}`, learn);
      assert.equal((await kato.model(name)).frequency, 1);
      assert.equal((await kato.observe({ strings: ["x"] })).status, "OKAY");
      for (const strings of [["a"], ["x"]]) {
        const { status, message = "" } = await kato.observe({ strings });
        assert.equal(status, "FAILED");
        assert.match(message, place === "after-model" ? /^KeyError: 'a'$/m : /^ZeroDivisionError/m);
        assert.match(message, /Error in potential calculation! p46b6b076c: .*\n$/);
      }
      assert.deepEqual(await kato.workingMemory(), [["x"], ["a"], ["x"]]);
      await kato.call("DeleteModel", { name });
      assert.equal((await kato.observe({ strings: ["a"] })).status, "OKAY");
      await kato.call("ClearWorkingMemory", {});
      assert.equal(await kato.learn(...events), name);
      assert.equal((await kato.observe({ strings: ["a"] })).status, "OKAY");
      assert.equal((await kato.predictions()).length, 1);
    });
  }

  test(`a model known before and torn at ${how}-after-model has risen and still predicts`, async (t) => {
    const SIMULATOR_DATA = temporaryFolder(t);
    const first = await spawnSimulator(t, { SIMULATOR_DATA });
    await first.kato.learn(...events);
    await first.service.kill();
    const kato = await afterDeathAt(t, SIMULATOR_DATA, `${how}-after-model`, learn);
    assert.equal((await kato.model(name)).frequency, 2);
    assert.equal((await kato.observe({ strings: ["a"] })).status, "OKAY");
    assert.equal((await kato.predictions())[0]?.frequency, 2);
  });

  test(`a death at ${how}-before-answer leaves the model whole`, async (t) => {
    const kato = await afterDeathAt(t, temporaryFolder(t), `${how}-before-answer`, learn);
    assert.equal((await kato.model(name)).frequency, 1);
    await kato.observeAll(["a"]);
    assert.equal((await kato.predictions()).length, 1);
  });
}

test("a death in Learn before the model is written leaves the vectors written", async (t) => {
  let vector = "";
  const kato = await afterDeathAt(t, temporaryFolder(t), "learn-after-clear", async (mortal) => {
    await mortal.observe({ vectors: [[1, 2]] });
    vector = (await mortal.workingMemory())[0]?.[0] ?? "";
    await mortal.learn(["a"]);
  });
  assert.deepEqual(await kato.data("GetVector", { name: vector }), [1, 2]);
});

test("a death in an Observe comes at its place and only at the given count", async (t) => {
  for (const place of ["observe-before-tick", "observe-after-tick", "observe-before-answer"] as const) {
    const mortal = await spawnSimulator(t, { SIMULATOR_FAULT: `${place}:3` });
    await mortal.kato.observeAll(["a"], ["b"]);
    await assert.rejects(mortal.kato.observe({ strings: ["c"] }), { code: 14 });
    assert.equal(await mortal.service.exited, "ended by SIGKILL");
  }
});

test("a death before the answer to a clear, or to any command, comes after its effect", async (t) => {
  const SIMULATOR_DATA = temporaryFolder(t);
  const kato = await afterDeathAt(t, SIMULATOR_DATA, "clear-before-answer", async (mortal) => {
    await mortal.learn(...events);
    await mortal.call("ClearAllMemory", {});
  });
  assert.deepEqual(await kato.model(name), {});
  await kato.learn(...events);
  const successor = await afterDeathAt(t, SIMULATOR_DATA, "command-before-answer", async (mortal) => {
    await mortal.call("Ping", {});
    await mortal.call("DeleteModel", { name });
  });
  assert.deepEqual(await successor.model(name), {});
});

test("a vector learned n times counts once after a restart", async (t) => {
  const SIMULATOR_DATA = temporaryFolder(t);
  const first = await spawnSimulator(t, { SIMULATOR_DATA });
  for (const vector of [[0], [0], [0], [1], [2]]) await first.kato.observe({ vectors: [vector] });
  await first.kato.call("Learn", {});
  await first.kato.observe({ vectors: [[0]] });
  assert.equal((await first.kato.workingMemory())[0]?.length, 1);
  await first.service.kill();
  const kato = await simulatorInProcess(t, { dataFolder: SIMULATOR_DATA });
  await kato.observe({ vectors: [[0]] });
  assert.equal((await kato.workingMemory())[0]?.length, 3);
});
