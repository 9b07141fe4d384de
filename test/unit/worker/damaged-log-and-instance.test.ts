import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, codes, goBack, makeAnew, started, store } from "./damaged-world.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

// The log has lost commands, and the instance is not where the checkpoint says: it has restarted, or has more.

test("an instance that restarted while its log lost the tail is given back what the log still has", async () => {
  const world = await applied([
    observe(1, ["a"]),
    stored(2, "Learn", {}),
    stored(3, "UpdateGenes", { genes: { recall_threshold: 0.7 } }),
    observe(4, ["b"]),
    observe(5, ["c"]),
  ]);
  goBack(world, 4);
  world.restartInstance();
  const next = await started(world);
  assert.deepEqual(world.instance.events, [["b"]]);
  assert.equal(world.instance.genes.recall_threshold, 0.7);
  assert.deepEqual(codes(next.checkpoint), ["log-lost", "working-memory-differs"]);
  store(world, "d");
  await next.until("all is applied", () => world.instance.events.length === 2);
  assert.deepEqual(world.instance.events, [["b"], ["d"]]);
});

test("an instance that restarted while its log was deleted keeps its settings, and its loss is told", async () => {
  const world = await applied([
    stored(1, "UpdateGenes", { genes: { recall_threshold: 0.7 } }),
    observe(2, ["a"]),
  ]);
  makeAnew(world);
  world.restartInstance();
  const next = await started(world);
  assert.deepEqual(world.instance.events, []);
  assert.equal(world.instance.genes.recall_threshold, 0.7);
  assert.deepEqual(codes(next.checkpoint), ["log-lost", "working-memory-differs"]);
});

test("lost commands that the instance may have are not counted as lost before they were applied", async () => {
  const world = await applied([observe(1, ["a"])]);
  store(world, "b", "c", "d");
  // The worker was killed before it persisted that two of them are applied.
  world.instance.interval += 2;
  world.instance.events.push(["b"], ["c"]);
  makeAnew(world);
  const next = await started(world);
  assert.deepEqual(world.instance.events, [["a"], ["b"], ["c"]]);
  assert.deepEqual(codes(next.checkpoint), ["log-lost", "adopted"]);
  assert.match(next.slot.state.degraded, /2 observations/);
  assert.ok((next.checkpoint?.unknownThrough ?? 0) >= 3);
});

test("a loss of what no worker has taken yet is told, if the log was asked where it ends", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  processor.slot.sawEnd(9);
  await processor.pass(1_000);
  await processor.slot.stop();
  const next = await started(processor.world);
  assert.match(next.slot.state.degraded, /lost the commands 2 to 9/);
});

test("a Learn that nobody has begun is applied, although the instance has observed more than the log has", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"])]);
  // NATS went back with everything: the instance has observed since, and has learned.
  world.instance.interval += 5;
  world.instance.events = [["x"]];
  store(world, "c");
  world.store(stored(4, "Learn", {}));
  store(world, "d", "e");
  const next = await started(world);
  await next.untilApplied(6);
  assert.deepEqual(
    [...world.instance.kept.models.values()].map(({ events, frequency }) => [
      events.flat().join(),
      frequency,
    ]),
    [["a,b,c", 1]],
  );
  assert.deepEqual(world.instance.events, [["d"], ["e"]]);
  assert.deepEqual(codes(next.checkpoint), ["ahead-of-log"]);
});

test("a loss at the log's end is passed once the instance is there, where it was away when the log was read", async () => {
  const world = await applied([observe(1, ["a"])]);
  store(world, "b");
  world.log.pop();
  const next = new OneProcessor([], undefined, world);
  let isAway = true;
  next.onCall = () => (isAway ? { kind: "unseen", status: 14, details: "away" } : undefined);
  void next.slot.start();
  await next.until("it is down", () => next.slot.state.state === "down");
  await next.pass(2_000);
  assert.equal(next.checkpoint?.applied, 1);
  isAway = false;
  await next.until("the loss is passed", () => next.checkpoint?.applied === 2);
  store(world, "c");
  await next.untilApplied(3);
  assert.deepEqual(world.instance.events, [["a"], ["c"]]);
});
