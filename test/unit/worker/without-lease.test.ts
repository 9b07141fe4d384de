import assert from "node:assert/strict";
import { test } from "node:test";
import { OneProcessor, observe, stored } from "./one-processor.ts";

const late = 1_000_000_000_000;

test("whoever lost the lease trims nothing (A4)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), stored(2, "Learn", {}), observe(3, ["b"])]);
  await processor.start();
  await processor.pass(1_000);
  processor.life.lease.held = false;
  await processor.slot.trim({ commands: 0, ageMs: 0 });
  assert.equal(processor.world.log[0]?.sequence, 1);
  processor.life.lease.held = true;
  await processor.slot.trim({ commands: 0, ageMs: 0 });
  assert.equal(processor.world.log[0]?.sequence, 3);
});

test("whoever lost the lease says of no command that it was not begun, as another worker may begin it (A4, A7)", async () => {
  const waiting = observe(2, ["b"], { replyTo: "client", deadlineMs: late });
  const processor = new OneProcessor([observe(1, ["a"]), waiting]);
  processor.onCall = () => {
    processor.slot.setPaused(true);
    return undefined;
  };
  void processor.slot.start();
  await processor.untilApplied(0);
  await processor.pass(1_000);
  processor.life.lease.held = false;
  assert.equal((await processor.slot.cancel(2)).outcome, "unknown");
  processor.life.lease.held = true;
  assert.equal((await processor.slot.cancel(2)).outcome, "expired");
});

test("whoever lost the lease makes no call any more, and gives the processor up (A4)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const { world, life } = processor;
  processor.onCall = async (method, request) => {
    if (method !== "Observe" || !Buffer.from(request).includes("o1")) return undefined;
    const result = await world.call(life, method, request);
    life.lease.held = false;
    return result;
  };
  void processor.slot.start();
  await processor.until("the first Observe has ticked", () => world.instance.events.length === 1);
  await processor.pass(5_000);
  assert.deepEqual(processor.world.problems, []);
  assert.deepEqual(processor.world.instance.events, [["a"]]);
  assert.equal(processor.checkpoint?.applied ?? 0, 0);
});

test("whoever lost the lease writes neither a checkpoint nor an outcome, however late it wakes up (A4, A7)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], { store: true })]);
  const { world, life } = processor;
  processor.onCall = async (method, request) => {
    if (method !== "Observe" || !Buffer.from(request).includes("o2")) return undefined;
    const result = await world.call(life, method, request);
    // The lease is lost after the answer has come, while nothing has been written yet.
    queueMicrotask(() => {
      life.lease.held = false;
    });
    return result;
  };
  void processor.slot.start();
  await processor.until("both have ticked", () => world.instance.events.length === 2);
  await processor.pass(5_000);
  assert.equal(world.records.get("c2"), undefined);
  const { applied } = JSON.parse(world.bucket.get("p1")?.value ?? "{}") as { applied: number };
  assert.equal(applied, 0);
});
