import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

/** A processor whose worker died and left this, and whose next Observe is late. Resolves to what became of it. */
async function outcomeOfLate(left: Partial<Checkpoint>): Promise<string | undefined> {
  const late = observe(3, ["b"], { replyTo: "client", deadlineMs: 1 });
  const processor = new OneProcessor([observe(1, ["a"]), stored(2, "ClearAllMemory", {}), late]);
  const value = JSON.stringify({
    ...firstCheckpoint,
    applied: 1,
    interval: 2,
    epoch: "dead",
    degraded: "",
    ...left,
  });
  processor.world.bucket.set("p1", { revision: ++processor.world.revision, value });
  void processor.slot.start();
  await processor.until("it is told", () => processor.repliesTo("client").length > 0);
  return processor.repliesTo("client")[0]?.outcome;
}

test("an interval that a ClearAllMemory has lowered hides no Observe that was begun after it", async () => {
  const at = { sequence: 2, step: 0 };
  assert.equal(await outcomeOfLate({ mark: { kind: "repeatable", at } }), "expired");
});

test("an interval that a restart has lowered may hide one, so that one is applied although it is late (A7)", async () => {
  assert.equal(await outcomeOfLate({ applied: 2, interval: 5 }), "applied");
});
