import assert from "node:assert/strict";
import { test } from "node:test";
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
