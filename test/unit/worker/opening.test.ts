import assert from "node:assert/strict";
import { test } from "node:test";
import { LeaseLost, NatsAway } from "../../../services/worker/model/interruptions.ts";
import { openCheckpoint } from "../../../services/worker/processor/open-checkpoint.ts";
import { goOn, OneProcessor, observe } from "./one-processor.ts";

test("once a processor is opened, the worker before can write no more, and gives it up (A5)", async () => {
  const before = new OneProcessor([]);
  let lost = 0;
  const events = { ...before.environment.events, leaseLost: () => lost++ };
  const { checkpoint: old } = await openCheckpoint({ ...before.environment, events });
  const after = new OneProcessor([], undefined, before.world);
  await openCheckpoint(after.environment);
  await assert.rejects(old.persist({ applied: 1 }), LeaseLost);
  old.update({ applied: 2 });
  before.world.clock.fireNext();
  await goOn();
  assert.equal(lost, 1);
  assert.equal(JSON.parse(after.world.bucket.get("p1")?.value ?? "{}").applied, 0);
});

test("an opening that failed writes nothing later (A5)", async () => {
  let saves = 0;
  const processor = new OneProcessor([], ({ stores }) => ({
    stores: {
      ...stores,
      checkpoints: {
        revision: 0,
        load: async () => undefined,
        save: () => {
          saves++;
          return Promise.reject(new NatsAway("no answer"));
        },
      },
    },
  }));
  await assert.rejects(openCheckpoint(processor.environment), NatsAway);
  await processor.pass(1_000);
  assert.equal(saves, 1);
});

test("a processor says that it is opening until its checkpoint is loaded and its instance has answered", async () => {
  const before = new OneProcessor([observe(1, ["a"])]);
  await before.start();
  await before.until("that is persisted", () => before.persisted?.applied === 1);
  const processor = before.nextLife();
  const told = () => {
    const { opening, applied } = processor.slot.state;
    return [opening, applied];
  };
  assert.deepEqual(told(), ["checkpoint", 0]);
  const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
  processor.onCall = () => answered;
  void processor.slot.start();
  await processor.until("it is asked", () => processor.calls.length > 0);
  assert.deepEqual(told(), ["instance", 1]);
  answer(undefined);
  await processor.until("it has answered", () => told()[0] === undefined);
});
