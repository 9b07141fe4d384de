import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Fault } from "./crash-schedules/faults.ts";
import { World } from "./crash-schedules/world.ts";
import type { OnCall } from "./one-processor.ts";
import { failed, OneProcessor, observe, setGenes, stored } from "./one-processor.ts";

const model = modelName([["a"], ["b"]]);
const history = [observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {}), observe(4, ["c"])];
/** The instance dies when it has written the model, and not yet its symbols. */
const torn: Fault = { at: "Learn model-written", point: 1, kind: "instance" };

function dying(log = history, fault = torn): OneProcessor {
  return new OneProcessor(log, undefined, new World({ seed: 1, history: log, faults: [fault] }, []));
}

/** Checks that the model was learned once, and that all of it is there. */
function checkLearnedOnce({ world, checkpoint }: OneProcessor): void {
  assert.deepEqual(world.instance.torn, []);
  assert.equal(world.instance.kept.models.get(model)?.frequency, 1);
  assert.deepEqual(world.instance.events, [["c"]]);
  assert.equal(checkpoint?.foreign.ticks, 0);
}

test("a Learn in which KATO died is looked for once, its events are given back once, and it shows as degraded", async () => {
  const processor = dying();
  await processor.start();
  checkLearnedOnce(processor);
  // One of the worker's own, two of the log, two that look for it, two that give them back, and the last one.
  assert.equal(processor.calls.filter((method) => method === "Observe").length, 8);
  assert.deepEqual(
    processor.checkpoint?.degradations.map(({ code }) => code),
    ["learn-torn"],
  );
});

test("a Learn that has written everything when KATO died is not made again", async () => {
  const processor = dying(history, { ...torn, at: "Learn learned" });
  await processor.start();
  const { kept, events } = processor.world.instance;
  assert.equal(kept.models.get(model)?.frequency, 1);
  assert.deepEqual(events, [["c"]]);
  assert.deepEqual(
    processor.checkpoint?.degradations.map(({ code }) => code),
    ["learn-perhaps-torn"],
  );
});

test("that it is looked for is persisted before anything is changed for it (A5)", async () => {
  const processor = dying();
  let rebuilding: object | null | undefined;
  processor.onCall = (method) => {
    const isFirst = rebuilding === undefined && processor.world.instance.kept.models.size > 0;
    if (method === "UpdateGenes" && isFirst) rebuilding = processor.persisted?.rebuilding;
    return undefined;
  };
  await processor.start();
  assert.deepEqual(rebuilding, { base: 0, inPlace: false });
});

test("KATO learns nothing by itself while it is looked for (A5)", async () => {
  const log = [
    setGenes(1, { max_sequence_length: 0 }),
    observe(2, ["a"]),
    observe(3, ["b"]),
    stored(4, "Learn", {}),
    observe(5, ["c"]),
  ];
  const processor = dying(log, { ...torn, at: "Learn learned" });
  const { instance } = processor.world;
  let hasDied = false;
  // The manifest of this KATO has a max_sequence_length, which counts again after a restart.
  processor.onCall = () => {
    const isNew = instance.kept.models.size > 0 && instance.interval === 0 && !hasDied;
    if (isNew) instance.genes.max_sequence_length = 2;
    hasDied ||= isNew;
    return undefined;
  };
  await processor.start();
  assert.ok(hasDied);
  checkLearnedOnce(processor);
  assert.equal(instance.kept.learned, 1);
});

test("where the torn model cannot be deleted now, it is tried again before the Learn is repeated (A7)", async () => {
  const processor = dying();
  let refused = 0;
  processor.onCall = (method) =>
    method === "DeleteModel" && refused++ === 0
      ? failed(method, processor.world.instance.interval)
      : undefined;
  await processor.start();
  assert.ok(refused > 1);
  checkLearnedOnce(processor);
});

test("where the worker dies too while it is looked for, that is settled before working memory is given back (A3)", async () => {
  for (const which of [4, 5]) {
    const first = dying(history, { ...torn, at: "Learn learned" });
    first.onCall = dieAtObserve(first, which);
    void first.slot.start();
    await first.until("the worker has died", () => first.life.isDead);
    const next = first.nextLife();
    await next.start();
    checkLearnedOnce(next);
  }
});

/** Carries out this Observe of all, and has the worker die before it is answered. */
function dieAtObserve(processor: OneProcessor, which: number): OnCall {
  let observes = 0;
  return (method, request) => {
    if (method !== "Observe" || ++observes !== which) return undefined;
    processor.carryOut(method, request);
    processor.life.isDead = true;
    return undefined;
  };
}

test("a torn model that was deleted is told, also where the worker dies right then", async () => {
  const first = dying();
  first.onCall = (method, request) => {
    if (method !== "DeleteModel") return undefined;
    first.carryOut(method, request);
    first.life.isDead = true;
    return undefined;
  };
  void first.slot.start();
  await first.until("it is deleted", () => first.life.isDead);
  const next = first.nextLife();
  await next.start();
  assert.deepEqual(
    next.checkpoint?.degradations.map(({ code }) => code),
    ["learn-torn"],
  );
});
