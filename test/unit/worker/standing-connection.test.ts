import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

/**
 * Applies a history to an instance that restarts before this call, behind a connection that stands, as one to
 * a proxy does.
 */
async function restartedBefore(
  history: StoredCommand[],
  call: Method,
  which: number,
): Promise<OneProcessor["world"]["instance"]> {
  const processor = new OneProcessor(history);
  let calls = 0;
  processor.onCall = (method) => {
    if (method === call && ++calls === which) processor.world.instance.restart();
    return undefined;
  };
  await processor.start();
  assert.ok(calls >= which, "it has restarted");
  const { degradations, foreign } = processor.checkpoint ?? {};
  assert.deepEqual([degradations, foreign?.ticks], [[], 0]);
  return processor.world.instance;
}

const genes = stored(1, "UpdateGenes", { genes: { persistence: 7 } });

test("a restart behind a connection that stands is noticed at the next Observe (A5)", async () => {
  const history = [genes, observe(2, ["a"]), observe(3, ["b"]), observe(4, ["c"])];
  // The first Observe is the gateway's own.
  for (const which of [2, 3, 4]) {
    const { events, genes } = await restartedBefore(history, "Observe", which);
    assert.deepEqual([events, genes.persistence], [[["a"], ["b"], ["c"]], 7], `before Observe ${which}`);
  }
});

test("vectors that wait to be learned are observed again after such a restart (A5)", async () => {
  const vector = stored(1, "Observe", { vectors: [[5]], unique_id: "o1" });
  const { kept } = await restartedBefore([vector, observe(2, ["b"]), stored(3, "Learn", {})], "Observe", 3);
  assert.deepEqual([...kept.vectors], [5]);
});

test("a restart behind a connection that stands is noticed at the next command (A5)", async () => {
  const history = [genes, observe(2, ["a"]), stored(3, "StopSleeping", {}), observe(4, ["b"])];
  const { events, genes: left } = await restartedBefore(history, "StopSleeping", 1);
  assert.deepEqual([events, left.persistence], [[["a"], ["b"]], 7]);
});

test("a restart behind a connection that stands is noticed at an Observe that makes KATO learn (A5)", async () => {
  const length = stored(1, "UpdateGenes", { genes: { max_sequence_length: 3 } });
  const history = [length, observe(2, ["a"]), observe(3, ["b"]), observe(4, ["c"]), observe(5, ["d"])];
  for (const which of [2, 3, 4, 5]) {
    const { events, kept } = await restartedBefore(history, "Observe", which);
    assert.deepEqual(events, [["c"], ["d"]], `before Observe ${which}`);
    assert.deepEqual(
      [...kept.models.values()].map(({ events, frequency }) => [events.flat(), frequency]),
      [[["a", "b", "c"], 1]],
    );
  }
});

test("and also where its interval is by chance the expected one (A5)", async () => {
  const length = stored(1, "UpdateGenes", { genes: { max_sequence_length: 1 } });
  // The first Observe is the gateway's own, so 1 is expected before the second and seen after it.
  const { events, kept } = await restartedBefore([length, observe(2, ["a", "b"])], "Observe", 2);
  assert.deepEqual([events, kept.models.size], [[], 1]);
});

test("a question in the log is not answered by an instance that has lost what it is asked for (A5)", async () => {
  const question = stored(2, "GetWorkingMemory", {}, { replyTo: "client" });
  const processor = new OneProcessor([observe(1, ["a"]), question]);
  const { instance } = processor.world;
  processor.onCall = (method) => {
    if (method === "GetWorkingMemory" && instance.interval === 2) instance.restart();
    return undefined;
  };
  await processor.start();
  const [reply] = processor.repliesTo("client");
  assert.equal(decodeResponse("GetWorkingMemory", reply?.data ?? new Uint8Array()).message, '[["a"]]');
});

test("a restart behind a connection that stands is noticed after everything was cleared (A5)", async () => {
  const history = [genes, stored(2, "ClearAllMemory", {}), stored(3, "StopSleeping", {}), observe(4, ["a"])];
  const { events, genes: left } = await restartedBefore(history, "StopSleeping", 1);
  assert.deepEqual([events, left.persistence], [[["a"]], 7]);
});
