import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { firstCheckpoint, isInstanceUnknown } from "../../../services/worker/checkpoint/checkpoint.ts";
import { OneProcessor, observe } from "./one-processor.ts";

test("the settings with which an instance is first found are given back to it after a restart", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  const { world } = processor;
  const { instance } = world;
  instance.genes.max_sequence_length = 7;
  instance.predicting = false;
  await processor.start();
  world.restartInstance();
  assert.equal(instance.predicting, true);
  world.store(observe(2, ["b"]));
  await processor.untilApplied(2);
  assert.deepEqual([instance.genes.max_sequence_length, instance.predicting], [7, false]);
});

test("an instance that is found has its interval and its events before the first command, and keeps both", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  const { instance } = processor.world;
  instance.interval = 5;
  instance.events = [["x"]];
  await processor.start();
  assert.deepEqual(instance.events, [["x"], ["a"]]);
  assert.deepEqual([processor.slot.state.interval, processor.checkpoint?.events], [6, 2]);
  assert.equal(processor.slot.state.degraded, "");
});

test("an instance that is adopted is told no settings, as it has them", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  const called: string[] = [];
  processor.onCall = (method) => {
    called.push(method);
    return undefined;
  };
  await processor.start();
  const changing = called.filter((method) => !method.startsWith("Get") && method !== "Ping");
  // The first Observe and its clear raise the interval.
  assert.deepEqual(changing, ["Observe", "ClearWorkingMemory", "Observe"]);
  assert.equal(processor.slot.state.interval, 1);
});

test("the events that an instance has when it is adopted are counted, so that an auto-learn is foreseen (A5)", async () => {
  const processor = new OneProcessor([observe(1, ["c"], { replyTo: "client" })]);
  const { instance } = processor.world;
  Object.assign(instance, { interval: 2, events: [["a"], ["b"]] });
  instance.genes.max_sequence_length = 3;
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.autoLearnedModel, modelName([["a"], ["b"], ["c"]]));
  assert.equal(processor.checkpoint?.events, 1);
});

test("a processor whose worker dies before anything is applied is adopted once", async () => {
  const first = new OneProcessor([observe(1, ["a"])]);
  first.world.instance.genes.persistence = 7;
  first.onCall = (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o1")) first.life.isDead = true;
    return undefined;
  };
  void first.slot.start();
  await first.until("it is adopted", () => first.life.isDead);
  first.world.restartInstance();
  const next = first.nextLife();
  await next.start();
  assert.equal(next.world.instance.genes.persistence, 7);
  assert.deepEqual(next.world.instance.events, [["a"]]);
});

test("an instance that was adopted is not adopted again because a worker that was frozen has made it tick", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  const { world } = processor;
  const left = { ...firstCheckpoint, adopted: firstCheckpoint.settings, epoch: "frozen", degraded: "" };
  world.bucket.set("p1", { revision: ++world.revision, value: JSON.stringify(left) });
  processor.carryOut("Observe", encodeRequest("Observe", { unique_id: "kato-gateway" }));
  await processor.start();
  assert.deepEqual([processor.slot.state.interval, world.instance.events], [1, [["a"]]]);
});

test("an instance is adopted only while nothing may have been called", () => {
  assert.ok(isInstanceUnknown({ ...firstCheckpoint, epoch: "a worker" }));
  assert.ok(!isInstanceUnknown({ ...firstCheckpoint, rebuilding: { base: 0, inPlace: false } }));
  assert.ok(!isInstanceUnknown({ ...firstCheckpoint, step: 1 }));
});
