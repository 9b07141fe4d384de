import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { World } from "./crash-schedules/world.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

const deadlineMs = 1_100_000;
const waitedFor = { replyTo: "client", deadlineMs };

/** A processor that has applied its first command, and that is paused before its second. */
async function pausedBehindTheFirst(): Promise<OneProcessor> {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], waitedFor)]);
  processor.onCall = (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o1")) processor.slot.setPaused(true);
    return undefined;
  };
  void processor.slot.start();
  await processor.untilApplied(1);
  await processor.pass(1_000);
  return processor;
}

test("a late Observe expires although its instance has restarted, as the worker knows that it was not begun", async () => {
  const processor = await pausedBehindTheFirst();
  processor.world.restartInstance();
  await processor.pass(2_000);
  processor.world.clock.nowMs = deadlineMs + 1;
  processor.slot.setPaused(false);
  await processor.untilApplied(2);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "expired");
  assert.deepEqual(processor.world.instance.events, [["a"]]);
});

test("a late Observe expires under a new worker, as the instance shows that it was not begun", async () => {
  const { slot, world } = await pausedBehindTheFirst();
  await slot.stop();
  world.clock.nowMs = deadlineMs + 1;
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.untilApplied(2);
  assert.equal(next.repliesTo("client")[0]?.outcome, "expired");
  assert.deepEqual(world.instance.events, [["a"]]);
});

test("an Observe that was answered does not expire when all traces of it are lost, nor where the log cannot be read (A7)", async () => {
  const first = new OneProcessor([observe(1, ["a"], waitedFor)]);
  const { world } = first;
  await first.start();
  first.life.isDead = true;
  world.restartInstance();
  world.clock.nowMs = deadlineMs + 1;
  let asked = 0;
  const next = new OneProcessor(
    [],
    ({ stores }) => ({
      stores: {
        ...stores,
        logs: {
          ...stores.logs,
          last: (id) => (asked++ === 0 ? Promise.reject(new Error("no answer")) : stores.logs.last(id)),
        },
      },
    }),
    world,
  );
  void next.slot.start();
  await next.untilApplied(1);
  assert.ok(asked > 1);
  assert.deepEqual(world.instance.events, [["a"]]);
});

/**
 * A processor whose worker died and left this, and whose next Observe is late. Resolves to what became of it.
 */
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

test("a Learn that has died with its instance may have stored vectors, so it is repeated although it is late", async () => {
  const learn = stored(3, "Learn", {}, waitedFor);
  const history = [observe(1, ["a"]), stored(2, "Observe", { vectors: [[1]], unique_id: "o2" }), learn];
  const world = new World(
    { seed: 1, history, faults: [{ at: "Learn emptied", point: 1, kind: "instance" }] },
    [],
  );
  const processor = new OneProcessor(history, undefined, world);
  processor.onCall = (method) => {
    if (method === "GetVector") world.clock.nowMs = deadlineMs + 1;
    return undefined;
  };
  void processor.slot.start();
  await processor.until("it is told", () => processor.repliesTo("client").length > 0);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "applied");
});
