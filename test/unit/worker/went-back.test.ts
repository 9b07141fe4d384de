import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { ProcessorEnvironment } from "../../../services/worker/processor/processor-environment.ts";
import type { World } from "./crash-schedules/world.ts";
import { codes, goBack, started, store } from "./damaged-world.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

/** What NATS keeps, as it was at some time. */
interface Copy {
  log: World["log"];
  lastStored: number;
  bucket: World["bucket"];
}

const copyOf = ({ log, lastStored, bucket }: World): Copy => ({
  log: [...log],
  lastStored,
  bucket: new Map(bucket),
});

/** Puts a copy of the checkpoints back. */
function restoreCheckpoints(world: World, { bucket }: Copy): void {
  world.bucket.clear();
  for (const [key, value] of bucket) world.bucket.set(key, value);
}

function restore(world: World, copy: Copy): void {
  restoreCheckpoints(world, copy);
  Object.assign(world, { log: [...copy.log], lastStored: copy.lastStored });
}

/**
 * A processor that has applied these, the third of which is a Learn. Then its worker has ended, and NATS has kept
 * nothing since the intent record of the Learn, and has lost the Learn itself.
 */
async function lostUnderWay(history: readonly StoredCommand[]): Promise<World> {
  const processor = new OneProcessor(history);
  const { world } = processor;
  let atLearn: Copy | undefined;
  processor.onCall = (method) => {
    if (method === "Learn") atLearn = copyOf(world);
    return undefined;
  };
  await processor.start();
  await processor.slot.stop();
  assert.ok(atLearn);
  restoreCheckpoints(world, atLearn);
  world.log = world.log.filter(({ sequence }) => sequence !== 3);
  return world;
}

test("a log that went back and has grown past its old end before anybody looked is told", async () => {
  const first = new OneProcessor([observe(1, ["a"])]);
  const { world } = first;
  await first.start();
  first.slot.setPaused(true);
  store(world, "b", "c", "d");
  await first.until("it has seen them", () => first.slot.state.last === 4);
  await first.pass(1_000);
  await first.slot.stop();
  world.betweenStarts(() => goBack(world, 2));
  store(world, "x", "y", "z");
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.until("all is applied", () => world.instance.events.length === 5);
  assert.deepEqual(world.instance.events.flat(), ["a", "b", "x", "y", "z"]);
  assert.deepEqual(codes(next.checkpoint), ["log-lost"]);
  assert.match(next.slot.state.degraded, /lost the commands 3 to 4/);
});

test("ticks are not taken for those of commands behind one that would have an intent record", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const { world } = first;
  await first.start();
  await first.pass(1_000);
  const copy = copyOf(world);
  store(world, "c", "d");
  await first.untilApplied(4);
  await first.slot.stop();
  restore(world, copy);
  world.store(stored(3, "Learn", {}));
  store(world, "e", "f", "g");
  const next = await started(world);
  await next.untilApplied(6);
  assert.deepEqual(world.instance.events.flat(), ["e", "f", "g"]);
  assert.equal([...world.instance.kept.models.values()][0]?.events.flat().join(), "a,b");
  assert.deepEqual(codes(next.checkpoint), ["ahead-of-log"]);
});

test("ticks are not taken for those of Observes whose events are not in working memory", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const { world } = first;
  await first.start();
  await first.pass(1_000);
  const copy = copyOf(world);
  world.store(stored(3, "Learn", {}));
  store(world, "c", "d");
  await first.untilApplied(5);
  await first.slot.stop();
  restore(world, copy);
  store(world, "e", "f", "g");
  const next = await started(world);
  await next.untilApplied(5);
  assert.deepEqual(world.instance.events.flat(), ["a", "b", "e", "f", "g"]);
  assert.deepEqual(codes(next.checkpoint), ["ahead-of-log"]);
});

test("a command lost while under way, with a later one applied, holds the processor: nobody knows which", async () => {
  const world = await lostUnderWay([
    observe(1, ["a"]),
    observe(2, ["b"]),
    stored(3, "Learn", {}),
    observe(4, ["c"]),
  ]);
  const next = await started(world);
  assert.equal(next.slot.state.state, "held");
  assert.match(next.slot.state.reason, /command 3 is lost from the log, and nobody knows/);
  assert.deepEqual(world.instance.events, [["c"]]);
});

test("without a later one applied it is told, and the later ones are applied", async () => {
  const world = await lostUnderWay([observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {})]);
  store(world, "c");
  const next = await started(world);
  await next.untilApplied(4);
  assert.deepEqual(codes(next.checkpoint), ["commands-lost"]);
  assert.deepEqual(world.instance.events, [["c"]]);
});

test("an instance is not reconciled with a log that may have gone back while NATS was away", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
  const { world } = processor;
  await processor.start();
  await processor.pass(1_000);
  world.betweenStarts(() => goBack(world, 1));
  world.restartInstance();
  await processor.until("it is ready", () => processor.slot.state.state === "ready");
  await processor.pass(3_000);
  // The loss was known before the rebuild, which then gives back what is left.
  assert.deepEqual(codes(processor.checkpoint), ["log-lost", "working-memory-differs"]);
  assert.deepEqual(world.instance.events, [["a"]]);
});

test("where the calls of others are left alone, an Observe behind one is not applied again (A3)", async () => {
  const leave = ({ settings }: ProcessorEnvironment) => ({
    settings: { ...settings, mendsForeignCalls: false },
  });
  const first = new OneProcessor([observe(1, ["a"])], leave);
  const { world } = first;
  await first.start();
  await first.pass(1_000);
  const copy = copyOf(world);
  await first.slot.stop();
  world.instance.events.push(["x"], ["b"], ["c"]);
  world.instance.interval += 3;
  store(world, "b", "c");
  restoreCheckpoints(world, copy);
  const next = new OneProcessor([], leave, world);
  await next.start();
  assert.deepEqual(world.instance.events.flat(), ["a", "x", "b", "c"]);
  assert.deepEqual(codes(next.checkpoint), ["foreign-calls"]);
});
