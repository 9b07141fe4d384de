import assert from "node:assert/strict";
import { test } from "node:test";
import { OneProcessor, observe, stored } from "./one-processor.ts";

test("a step whose answer makes no sense is told as unknown, and the log goes on (A7)", async () => {
  const processor = new OneProcessor([
    stored(1, "StopSleeping", {}, { replyTo: "client" }),
    observe(2, ["a"]),
  ]);
  processor.onCall = (method) =>
    method === "StopSleeping" ? { kind: "response", bytes: Buffer.from([0x0a, 0xff]) } : undefined;
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "unknown");
  assert.deepEqual(processor.world.instance.events, [["a"]]);
});
