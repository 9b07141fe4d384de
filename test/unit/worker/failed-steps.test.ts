import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { NatsAway } from "../../../services/worker/model/interruptions.ts";
import { atFirst, failed, notBegun, OneProcessor, observe, setGenes, stored } from "./one-processor.ts";

const client = { replyTo: "client" };

/** Applies a history in which the first call of a method fails without having done anything. */
async function withFailure(history: StoredCommand[], method: Method): Promise<OneProcessor> {
  const processor = new OneProcessor(history);
  processor.onCall = atFirst(method, () => failed(method, processor.world.instance.interval));
  await processor.start();
  return processor;
}

test("an Observe that KATO could not read is not observed again after a restart (A5)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], client), observe(3, ["c"])]);
  processor.onCall = atFirst("Observe", () => notBegun, "o2");
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["a"], ["c"]]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("nor is one that would have made KATO learn by itself (A5)", async () => {
  const processor = new OneProcessor([
    setGenes(1, { max_sequence_length: 2 }),
    observe(2, ["a"]),
    observe(3, ["b"]),
  ]);
  processor.onCall = atFirst("Observe", () => notBegun, "o3");
  await processor.start();
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["a"]]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("nor one before which KATO could not be asked which model it would learn (A5)", async () => {
  const history = [setGenes(1, { max_sequence_length: 2 }), observe(2, ["a"]), observe(3, ["b"], client)];
  const processor = await withFailure(history, "GetModel");
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["a"]]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("after an Observe that failed working memory is what KATO says, whether it has the event or not (A5)", async () => {
  for (const hasEvent of [true, false]) {
    const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
    const { instance } = processor.world;
    processor.onCall = atFirst(
      "Observe",
      () => {
        instance.interval++;
        if (hasEvent) instance.events = [...instance.events, ["b"]];
        return failed("Observe", instance.interval);
      },
      "o2",
    );
    await processor.start();
    assert.equal(processor.checkpoint?.events, hasEvent ? 2 : 1);
  }
});

test("an auto-learn that failed has dropped its events, also after a restart, and its client is told so (A5)", async () => {
  // KATO fails to learn a model with emotives that it has learned without them.
  const again = { strings: ["a", "b"], emotives: { joy: 1 }, unique_id: "o3" };
  const processor = new OneProcessor([
    setGenes(1, { max_sequence_length: 1 }),
    observe(2, ["a", "b"]),
    stored(3, "Observe", again, client),
  ]);
  const { instance } = processor.world;
  await processor.start();
  const [reply] = processor.repliesTo("client");
  assert.equal(reply?.outcome, "failed");
  assert.match(reply?.detail ?? "", /the auto-learn failed/);
  assert.deepEqual([instance.events, instance.emotives], [[], []]);
  await processor.restartInstance();
  assert.deepEqual([instance.events, instance.emotives], [[], []]);
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("a Learn that failed is given back its events, without its vectors being observed twice (A5)", async () => {
  const vector = stored(1, "Observe", { vectors: [[1]], unique_id: "o1" });
  const processor = new OneProcessor([vector, observe(2, ["b"]), stored(3, "Learn", {}, client)]);
  const { instance } = processor.world;
  processor.onCall = atFirst("Learn", () => {
    // KATO empties working memory before it writes.
    instance.events = [];
    processor.calls.length = 0;
    return failed("Learn", instance.interval);
  });
  await processor.start();
  await processor.pass(0);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.deepEqual(instance.events, [["VECTOR|1"], ["b"]]);
  assert.equal(processor.calls.filter((method) => method === "Observe").length, 2);
});

test("an instance that has refused to sleep is awake and has its events after a restart (A5)", async () => {
  const history = [observe(1, ["a"]), stored(2, "StartSleeping", {}), observe(3, ["b"])];
  const processor = await withFailure(history, "StartSleeping");
  const { instance } = processor.world;
  await processor.restartInstance();
  assert.deepEqual([instance.events, instance.sleeping], [[["a"], ["b"]], false]);
});

test("a DeleteModel that failed is told as failed where the model is still there (A7)", async () => {
  const name = modelName([["a"], ["b"]]);
  const processor = await withFailure(
    [
      observe(1, ["a"]),
      observe(2, ["b"]),
      stored(3, "Learn", {}),
      stored(4, "DeleteModel", { name }, client),
    ],
    "DeleteModel",
  );
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.ok(processor.world.instance.kept.models.has(name));
});

test("a recall threshold of 0 is refused before anything is set (A5)", async () => {
  const change = encodeRecallThresholdChange({ increment: -0.1 });
  const command = {
    id: "c1",
    processor: "p1",
    sequence: 1,
    method: changeRecallThresholdMethod,
    data: change,
  };
  const processor = new OneProcessor([{ ...command, ...client }]);
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.equal(processor.world.instance.genes.recall_threshold, 0.1);
});

test("a failure is persisted before anything else is called, also where NATS does not answer for a while (A7)", async () => {
  let isAway = false;
  const processor = new OneProcessor(
    [observe(1, ["a"]), stored(2, "StartSleeping", {}), observe(3, ["b"])],
    ({ stores }) => ({
      stores: {
        ...stores,
        checkpoints: {
          ...stores.checkpoints,
          load: () => stores.checkpoints.load(),
          save: (checkpoint) =>
            isAway ? Promise.reject(new NatsAway("no answer")) : stores.checkpoints.save(checkpoint),
        },
      },
    }),
  );
  let persistedThrough: number | undefined;
  processor.onCall = (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o3")) {
      persistedThrough = processor.persisted?.applied;
    }
    if (method !== "StartSleeping") return undefined;
    isAway = true;
    return failed(method, processor.world.instance.interval);
  };
  void processor.slot.start();
  await processor.until("the command has failed", () => isAway);
  await processor.pass(3_000);
  assert.equal(persistedThrough, undefined, "nothing is observed while it cannot be persisted");
  isAway = false;
  await processor.untilApplied(3);
  assert.equal(persistedThrough, 2);
});
