import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { atFirst, OneProcessor, observe, setGenes, stored } from "./one-processor.ts";

// A success is persisted up to 100 ms after it is answered. By then the next Observe may have ticked.

/** Applies a history under a worker that dies in the last Observe of it, and then under another one. */
async function dyingInTheLast(history: StoredCommand[]): Promise<OneProcessor> {
  const first = new OneProcessor(history);
  const next = await first.dieAtFirst(
    "Observe",
    (request) => {
      first.carryOut("Observe", request);
    },
    `o${history.length}`,
  );
  await next.start();
  return next;
}

test("an auto-learn that another Observe has followed is learned, and has kept one event (A3, A5)", async () => {
  const processor = await dyingInTheLast([
    setGenes(1, { max_sequence_length: 3 }),
    observe(2, ["a"]),
    observe(3, ["b"]),
    observe(4, ["c"], { replyTo: "client" }),
    observe(5, ["d"]),
  ]);
  const { instance } = processor.world;
  const [first] = processor.repliesTo("client");
  for (const reply of processor.repliesTo("client")) {
    assert.deepEqual([reply.outcome, reply.autoLearnedModel], ["applied", first?.autoLearnedModel]);
  }
  assert.equal(first?.autoLearnedModel, modelName([["a"], ["b"], ["c"]]));
  assert.deepEqual([processor.checkpoint?.events, processor.checkpoint?.keptEvent], [2, ["c"]]);
  await processor.restartInstance();
  assert.deepEqual(instance.events, [["c"], ["d"]]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("an Observe of vectors that another one has followed is rebuilt with its own symbols (A5)", async () => {
  const vector = stored(1, "Observe", { vectors: [[5]], unique_id: "o1" });
  const processor = await dyingInTheLast([vector, observe(2, ["b"])]);
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["VECTOR|5"], ["b"]]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("an event of strings is not taken for that of an Observe with vectors, so that one is applied (A2)", async () => {
  const first = new OneProcessor([
    observe(1, ["a"]),
    stored(2, "Observe", { vectors: [[5]], unique_id: "o2" }),
  ]);
  const next = await first.dieAtFirst(
    "Observe",
    (request) => {
      // A worker that was frozen before the same Observe has woken up.
      first.carryOut("Observe", request);
      first.carryOut("Observe", request);
    },
    "o1",
  );
  await next.start();
  assert.deepEqual(next.world.instance.events, [["a"], ["VECTOR|5"]]);
});

test("an empty Observe behind an auto-learn that has kept nothing has ticked, and so is not applied again (A3)", async () => {
  const processor = await dyingInTheLast([
    setGenes(1, { max_sequence_length: 1 }),
    observe(2, ["a", "b"]),
    observe(3, []),
  ]);
  assert.equal(processor.checkpoint?.foreign.ticks, 0);
  assert.equal(processor.calls.filter((method) => method === "Learn" || method === "Observe").length, 1);
});

test("a late Observe of the same strings behind one that is not persisted is not counted to working memory (A5)", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const late = (request: Uint8Array) => {
    first.carryOut("Observe", request);
    first.life.isDead = true;
    return undefined;
  };
  first.onCall = atFirst("Observe", late, "o2");
  void first.slot.start();
  await first.until("the worker has died", () => first.life.isDead);
  const next = first.nextLife();
  // It comes beside the empty Observe that waits for the end of the second one.
  next.onCall = atFirst("Observe", () => late(observe(2, ["b"]).data), "kato-gateway");
  await next.start();
  await next.restartInstance();
  assert.deepEqual(next.world.instance.events, [["a"], ["b"]]);
  assert.deepEqual(next.checkpoint?.degradations, []);
});
