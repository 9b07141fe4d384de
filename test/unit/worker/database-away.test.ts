import assert from "node:assert/strict";
import { test } from "node:test";
import { failed, OneProcessor, observe, stored } from "./one-processor.ts";

test("commands behind one that failed wait for the database, and do not fail too", async () => {
  const processor = new OneProcessor([
    observe(1, ["a"]),
    stored(2, "StopSleeping", {}, { replyTo: "first" }),
    stored(3, "StopSleeping", {}, { replyTo: "second" }),
  ]);
  const { world, slot } = processor;
  let isAway = false;
  processor.onCall = (method) => {
    if (method === "StopSleeping" && !isAway && world.replies.length === 0) isAway = true;
    return isAway && ["StopSleeping", "ShowStatus"].includes(method)
      ? failed(method, world.instance.interval)
      : undefined;
  };
  void slot.start();
  await processor.untilApplied(2);
  await processor.pass(10_000);
  assert.equal(processor.checkpoint?.applied, 2);
  assert.equal(slot.state.state, "down");
  assert.match(slot.state.reason, /database fails: OSError: no MongoDB/);
  isAway = false;
  await processor.untilApplied(3);
  assert.deepEqual(
    ["first", "second"].map((subject) => processor.repliesTo(subject)[0]?.outcome),
    ["failed", "applied"],
  );
});

test("an idle processor whose database is away is down within 20 seconds, and up again once it is back", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  processor.onCall = (method) => (method === "ShowStatus" ? failed(method, 2) : undefined);
  await processor.pass(20_000);
  assert.equal(processor.slot.state.state, "down");
  await processor.pass(5_000);
  assert.equal(processor.slot.state.state, "down");
  processor.onCall = () => undefined;
  await processor.pass(20_000);
  assert.equal(processor.slot.state.state, "ready");
});

test("an idle instance that answers nothing is down, and up again once it answers", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  processor.onCall = () => ({ kind: "unseen", status: 4, details: "no answer" });
  await processor.pass(3_000);
  assert.equal(processor.slot.state.state, "down");
  processor.onCall = () => undefined;
  await processor.pass(3_000);
  assert.equal(processor.slot.state.state, "ready");
});

test("an instance whose answers make no sense when it is reconciled is down, and up once they do", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  processor.onCall = (method) =>
    method === "GetWorkingMemory" ? { kind: "response", bytes: Buffer.from([0x0a, 0xff]) } : undefined;
  void processor.slot.start();
  await processor.pass(3_000);
  assert.equal(processor.slot.state.state, "down");
  assert.match(processor.slot.state.reason, /makes no sense/);
  processor.onCall = () => undefined;
  await processor.untilApplied(1);
});
