import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import { firstCheckpoint, isInstanceUnknown } from "../../../services/worker/checkpoint/checkpoint.ts";
import { OneProcessor, observe } from "./one-processor.ts";

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

test("an instance is adopted only while nothing may have been called", () => {
  assert.ok(isInstanceUnknown({ ...firstCheckpoint, epoch: "a worker" }));
  assert.ok(!isInstanceUnknown({ ...firstCheckpoint, rebuilding: { base: 0, inPlace: false } }));
  assert.ok(!isInstanceUnknown({ ...firstCheckpoint, step: 1 }));
});
