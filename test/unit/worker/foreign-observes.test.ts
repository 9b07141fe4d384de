import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { atFirst, OneProcessor, observe, setGenes, stored } from "./one-processor.ts";

const foreign = encodeRequest("Observe", { strings: ["x"], unique_id: "somebody else's" });

test("what somebody else observes just before an Observe of the log is noticed and taken back", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  processor.onCall = atFirst(
    "Observe",
    () => {
      processor.carryOut("Observe", foreign);
      return undefined;
    },
    "o2",
  );
  await processor.start();
  await processor.pass(0);
  assert.deepEqual(processor.world.instance.events, [["a"], ["b"]]);
  assert.equal(processor.checkpoint?.foreign.ticks, 1);
});

test("what somebody else observes while nothing is to be done is noticed and taken back, and counted once", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  processor.carryOut("Observe", foreign);
  await processor.until("it is noticed", () => processor.checkpoint?.foreign.ticks === 1);
  await processor.untilReconciled();
  assert.deepEqual(processor.world.instance.events, [["a"]]);
  await processor.pass(5_000);
  assert.equal(processor.checkpoint?.foreign.ticks, 1);
});

test("a command behind the Observes that have ticked is applied, however many ticks there are (A2)", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {})]);
  const next = await first.dieAtFirst(
    "Observe",
    (request) => {
      first.carryOut("Observe", request);
      first.carryOut("Observe", foreign);
    },
    "o2",
  );
  await next.start();
  const { kept, events } = next.world.instance;
  assert.deepEqual([[...kept.models.keys()], events], [[modelName([["a"], ["b"]])], []]);
});

test("what somebody else observes and has learned is not taken for the next Observe of the log", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  await first.start();
  await first.until("both are persisted", () => first.persisted?.applied === 2);
  const next = first.nextLife();
  next.carryOut("Observe", foreign);
  next.carryOut("Learn", new Uint8Array());
  next.world.store(observe(3, ["c"]));
  await next.start();
  assert.deepEqual(next.world.instance.events, [["a"], ["b"], ["c"]]);
  assert.equal(next.checkpoint?.foreign.ticks, 1);
});

test("it is taken back, too, where the log cannot be read just then (A5)", async () => {
  let isAway = false;
  const processor = new OneProcessor([observe(1, ["a"])], ({ stores }) => ({
    stores: {
      ...stores,
      logs: {
        ...stores.logs,
        readRange: (id, first, through) => {
          if (isAway) {
            isAway = false;
            throw new Error("no answer");
          }
          return stores.logs.readRange(id, first, through);
        },
      },
    },
  }));
  await processor.start();
  processor.carryOut("Observe", foreign);
  isAway = true;
  await processor.until("it is noticed", () => processor.checkpoint?.foreign.ticks === 1);
  await processor.untilReconciled();
  await processor.pass(2_000);
  assert.equal(isAway, false);
  assert.deepEqual(processor.world.instance.events, [["a"]]);
});

/** A Learn with an Observe behind it. Its worker has died in the Learn, and somebody else has observed then. */
async function dyingInLearn(isCarriedOut: boolean): Promise<OneProcessor> {
  const learn = stored(3, "Learn", {});
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"]), learn, observe(4, ["c"])]);
  return first.dieAtFirst("Learn", (request) => {
    if (isCarriedOut) first.carryOut("Learn", request);
    first.carryOut("Observe", foreign);
  });
}

test("a Learn beside which somebody else observes is made once, whether it was begun before or not (A3)", async () => {
  for (const isCarriedOut of [true, false]) {
    const next = await dyingInLearn(isCarriedOut);
    await next.start();
    const { kept, events } = next.world.instance;
    const models = [...kept.models].map(([name, { frequency }]) => [name, frequency]);
    assert.deepEqual([models, events], [[[modelName([["a"], ["b"]]), 1]], [["c"]]]);
  }
});

test("a model that somebody else had KATO learn is told, also where the worker dies when it is deleted", async () => {
  const first = new OneProcessor([setGenes(1, { max_sequence_length: 2 }), observe(2, ["a"])]);
  first.onCall = (method, request) => {
    if (method !== "DeleteModel") return undefined;
    first.carryOut(method, request);
    first.life.isDead = true;
    return undefined;
  };
  await first.start();
  first.carryOut("Observe", foreign);
  await first.until("the model is deleted", () => first.life.isDead);
  const next = first.nextLife();
  void next.slot.start();
  await next.untilReconciled();
  assert.deepEqual(
    next.checkpoint?.degradations.map(({ code }) => code),
    ["foreign-learn"],
  );
  assert.deepEqual(next.world.instance.events, [["a"]]);
});

test("a model that an Observe of the log has learned with somebody else's event in it is told", async () => {
  const processor = new OneProcessor([
    setGenes(1, { max_sequence_length: 3 }),
    observe(2, ["a"]),
    observe(3, ["b"]),
  ]);
  processor.onCall = atFirst(
    "Observe",
    () => {
      processor.carryOut("Observe", foreign);
      return undefined;
    },
    "o3",
  );
  await processor.start();
  await processor.untilReconciled();
  const { kept, events } = processor.world.instance;
  assert.deepEqual([...kept.models.keys()], [modelName([["a"], ["x"], ["b"]])]);
  assert.match(processor.slot.state.degraded, /a model that somebody else had KATO learn may be there/);
  assert.deepEqual(events, [["a"], ["b"]]);
});

test("an Observe of somebody else's without symbols is not told as a model", async () => {
  const processor = new OneProcessor([setGenes(1, { max_sequence_length: 3 }), observe(2, ["a"])]);
  await processor.start();
  processor.carryOut("Observe", encodeRequest("Observe", { unique_id: "empty" }));
  await processor.until("it is noticed", () => processor.checkpoint?.foreign.ticks === 1);
  await processor.untilReconciled();
  await processor.pass(2_000);
  assert.equal(processor.slot.state.degraded, "");
});
