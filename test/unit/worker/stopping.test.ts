import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { goOn, OneProcessor, observe, unseen } from "./one-processor.ts";

/** A processor whose first Observe of the log is under way until what is returned is called. */
async function withCallUnderWay(): Promise<{ processor: OneProcessor; end: (result?: CallResult) => void }> {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const { promise, resolve } = Promise.withResolvers<CallResult | undefined>();
  processor.onCall = (method, request) => (isFirst(method, request) ? promise : undefined);
  void processor.slot.start();
  await processor.until(
    "it is under way",
    () => processor.calls.filter((call) => call === "Observe").length === 2,
  );
  return { processor, end: resolve };
}

function isFirst(method: string, request: Uint8Array): boolean {
  return method === "Observe" && Buffer.from(request).includes("o1");
}

test("a worker that stops brings the call under way to its end, begins no other, and persists that", async () => {
  const { processor, end } = await withCallUnderWay();
  const { slot, world, environment } = processor;
  const stopped = slot.stop();
  await processor.pass(1_000);
  assert.equal(environment.port.ready, true, "the connection stands");
  end(undefined);
  await stopped;
  assert.deepEqual(world.instance.events, [["a"]]);
  assert.equal(JSON.parse(world.bucket.get("p1")?.value ?? "{}").applied, 1);
});

test("a call that hangs is waited for when a worker stops, but not for long", async () => {
  const { processor } = await withCallUnderWay();
  const beganMs = processor.world.clock.nowMs;
  void processor.slot.stop();
  await processor.until("it is closed", () => !processor.environment.port.ready);
  assert.equal(processor.world.clock.nowMs - beganMs, 5_000);
});

test("without the lease a call under way is not waited for (A4)", async () => {
  const { processor, end } = await withCallUnderWay();
  const beganMs = processor.world.clock.nowMs;
  processor.life.lease.held = false;
  const stopped = processor.slot.stop();
  await processor.until("it is closed", () => !processor.environment.port.ready);
  assert.equal(processor.world.clock.nowMs, beganMs);
  end(unseen);
  await stopped;
});

test("what was applied just before a worker stops is persisted", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  const beganMs = processor.world.clock.nowMs;
  await Promise.all([processor.slot.stop(), goOn()]);
  assert.equal(processor.world.clock.nowMs, beganMs);
  assert.equal(JSON.parse(processor.world.bucket.get("p1")?.value ?? "{}").applied, 1);
});

test("the instance is not asked whether it is there while a call is under way (A1)", async () => {
  const { processor, end } = await withCallUnderWay();
  const before = processor.calls.length;
  await processor.pass(20_000);
  assert.deepEqual(processor.calls.slice(before), []);
  end(undefined);
  await processor.untilApplied(2);
  await processor.pass(20_000);
  assert.ok(processor.calls.filter((call) => call === "Ping").length > 5, "an idle one is asked");
});
