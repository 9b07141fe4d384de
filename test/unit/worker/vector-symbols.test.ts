import assert from "node:assert/strict";
import { test } from "node:test";
import { OneProcessor, stored } from "./one-processor.ts";

const count = 400;
const vectors = Array.from({ length: count }, (_, index) =>
  stored(index + 1, "Observe", { vectors: [[index]], unique_id: `o${index + 1}` }),
);

test("many events of vectors cost a few questions for working memory, and not one each", async () => {
  const processor = new OneProcessor(vectors);
  await processor.start();
  const asked = processor.calls.filter((method) => method === "GetWorkingMemory").length;
  assert.ok(asked < 100, `${asked} questions for ${count} events`);
  const known = processor.checkpoint?.vectorEvents ?? [];
  assert.ok(known.length > (count * 7) / 8 - 1, `${known.length} are known`);
  for (const { at, symbols } of known) {
    assert.deepEqual(symbols, processor.world.instance.events[at.sequence - 1]);
  }
  assert.equal(processor.checkpoint?.events, count);
});

test("after a restart working memory is as before, and what was not asked for is known afterwards", async () => {
  const processor = new OneProcessor(vectors);
  await processor.start();
  const { world } = processor;
  const before = structuredClone(world.instance.events);
  world.restartInstance();
  await processor.until("it is rebuilt", () => world.instance.events.length === count);
  await processor.pass(5_000);
  assert.deepEqual(world.instance.events, before);
  assert.equal(processor.checkpoint?.vectorEvents.length, count);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("before working memory is emptied the symbols that are missing are asked for", async () => {
  const clear = stored(count + 1, "ClearWorkingMemory", {});
  const processor = new OneProcessor([...vectors, clear]);
  await processor.start();
  assert.equal(processor.checkpoint?.vectorEvents.length, count);
  assert.equal(processor.checkpoint?.events, 0);
  const learning = new OneProcessor([...vectors, stored(count + 1, "Learn", {})]);
  await learning.start();
  assert.equal(learning.world.instance.kept.models.size, 1);
  assert.deepEqual(learning.checkpoint?.vectorEvents, []);
});
