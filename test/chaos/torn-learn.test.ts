import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../libs/kato/model-name.ts";
import { crashPoints } from "../../services/simulator/crash-points.ts";
import { viewOf } from "../fixtures/processors.ts";
import { until } from "../fixtures/until.ts";
import { startChaosSystem, untilApplied } from "./harness/chaos-system.ts";

const places = crashPoints.filter((point) => point.includes("learn-"));

test("wherever the instance dies in a Learn, the model is learned once, and observations that match it still work", async (t) => {
  const system = await startChaosSystem(t, { workers: 1 });
  const { simulator, instance } = system;
  const post = async (path: string, body?: unknown) => {
    const answer = await system.request("POST", `/p1${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.message;
  };
  for (const place of places) {
    await t.test(place, async () => {
      const isAuto = place.startsWith("auto");
      // No other model has these symbols. If this one stayed torn, every Observe that matches it would fail.
      const [first, second, third] = ["1", "2", "3"].map((end) => `${place}-${end}`);
      await simulator.restart({ SIMULATOR_FAULT: place });
      await untilApplied(system);
      await post("/observe", { strings: [first], emotives: { joy: 4 } });
      if (isAuto) await post("/genes/change", { data: { max_sequence_length: 2 } });
      else await post("/observe", { strings: [second] });
      const learning = isAuto ? post("/observe", { strings: [second] }) : post("/learn");
      await simulator.exited;
      await simulator.restart({ SIMULATOR_FAULT: "" });
      const name = modelName([[first ?? ""], [second ?? ""]]);
      assert.deepEqual(await learning, isAuto ? { status: "observed", auto_learned_model: name } : name);

      assert.equal(await instance.frequency(name), 1);
      // The gateway asks once the rebuild is over.
      const asked = await until("it can be asked", async () => {
        const answer = await system.request("GET", "/p1/working-memory");
        return answer.status !== 503 && answer;
      });
      assert.deepEqual(asked.json.message, isAuto ? [[second]] : []);
      if (isAuto) await post("/genes/change", { data: { max_sequence_length: 0 } });
      await post("/clear-working-memory");
      await post("/observe", { strings: [first] });
      await post("/observe", { strings: [third] });
      await post("/clear-working-memory");
    });
  }
  await t.test("an auto-learn of vectors leaves no observation that fails for ever", async () => {
    await simulator.restart({ SIMULATOR_FAULT: "autolearn-after-model" });
    await untilApplied(system);
    await post("/genes/change", { data: { max_sequence_length: 2 } });
    await post("/observe", { strings: ["x"] });
    const last = { strings: ["y"], vectors: [[1.5, 2.5, 3.5]] };
    const learning = post("/observe", last);
    await simulator.exited;
    await simulator.restart({ SIMULATOR_FAULT: "" });
    const { auto_learned_model } = Object(await learning);
    assert.equal(await instance.frequency(auto_learned_model), 1);
    await post("/genes/change", { data: { max_sequence_length: 0 } });
    for (const observation of [last, { strings: ["x"] }, last]) await post("/observe", observation);
    await post("/clear-working-memory");
  });
  await t.test("that the statistics of a known model may be off is told", async () => {
    await system.succeed("POST", "/p1/clear-all-memory");
    await simulator.restart({ SIMULATOR_FAULT: "learn-after-model:2" });
    await untilApplied(system);
    const learn = async () => {
      for (const event of ["k", "l"]) await post("/observe", { strings: [event] });
      return String(await post("/learn"));
    };
    const model = await learn();
    assert.equal((await viewOf(system.request)).degraded, undefined);
    const learning = learn();
    await simulator.exited;
    await simulator.restart({ SIMULATOR_FAULT: "" });
    assert.equal(await learning, model);
    assert.equal(await instance.frequency(model), 2);
    const told = await until("it is told", async () => (await viewOf(system.request)).degraded);
    assert.match(told, /^KATO died in a Learn that took effect/);
  });
});
