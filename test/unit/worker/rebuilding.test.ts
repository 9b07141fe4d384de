import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { deviationOf, planRebuild } from "../../../services/worker/engine/rebuild-plan.ts";
import { OneProcessor, observe, setGenes, stored, unseen } from "./one-processor.ts";

/**
 * A worker that leaves alone what somebody else observes (FOREIGN_OBSERVES=leave). So a rebuild that is not
 * exact is not made once more.
 */
function leaving(history: StoredCommand[]): OneProcessor {
  return new OneProcessor(history, ({ settings }) => ({
    settings: { ...settings, mendsForeignCalls: false },
  }));
}

function vector(sequence: number, value: number, strings: string[] = []): StoredCommand {
  return stored(sequence, "Observe", { vectors: [[value]], strings, unique_id: `o${sequence}` });
}

const observes = ({ calls }: OneProcessor) => calls.filter((method) => method === "Observe").length;

test("after a restart the symbols of vectors are in the order that KATO gave them", async () => {
  // KATO puts the symbols of vectors before the strings, and sorts strings.
  const processor = new OneProcessor([vector(1, 5, ["A"])]);
  await processor.start();
  assert.deepEqual(processor.world.instance.events, [["VECTOR|5", "A"]]);
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["VECTOR|5", "A"]]);
});

test("vectors that are learned are not learned a second time after a restart", async () => {
  const processor = new OneProcessor([vector(1, 5), observe(2, ["b"]), stored(3, "Learn", {}), vector(4, 5)]);
  await processor.start();
  processor.calls.length = 0;
  await processor.restartInstance();
  assert.deepEqual(processor.world.instance.events, [["VECTOR|5"]]);
  assert.equal(observes(processor), 1);
});

test("a rebuild by hand observes each event once, and no vectors besides", async () => {
  const processor = new OneProcessor([vector(1, 5), observe(2, ["b"])]);
  await processor.start();
  processor.calls.length = 0;
  await processor.slot.rebuild({ dryRun: false });
  assert.equal(observes(processor), 2);
});

test("there are predictions after a restart only where there were some before", async () => {
  const learned = [observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {})];
  for (const isPredicting of [true, false]) {
    const mode = stored(4, isPredicting ? "StartPredicting" : "StopPredicting", {});
    const processor = new OneProcessor([...learned, mode, observe(5, ["a"])]);
    const { instance } = processor.world;
    await processor.start();
    const before = JSON.stringify(instance.predictions);
    assert.equal(before !== "null", isPredicting);
    await processor.restartInstance();
    assert.equal(JSON.stringify(instance.predictions), before);
  }
});

test("the event that an auto-learn has kept is predicted for, when it is the last", () => {
  const { predictAt } = planRebuild({ ...firstCheckpoint, keptEvent: ["a"], events: 1 }, []);
  assert.equal(predictAt, 0);
});

test("a rebuild that has made another number of events is not exact", () => {
  const request = encodeRequest("Observe", { strings: ["a"], unique_id: "o1" });
  const plan = { ...planRebuild(firstCheckpoint, []), events: [{ request, hasSymbols: true, event: ["a"] }] };
  assert.equal(deviationOf(plan, 1, [["a"]]), undefined);
  assert.equal(deviationOf(plan, 1, [["b"]])?.code, "vectors-differ");
  assert.equal(deviationOf(plan, 1, [])?.code, "working-memory-differs");
});

test("a rebuild waits for an Observe whose end it has not seen, and goes on behind it (A5)", async () => {
  for (const hasTicked of [true, false]) {
    const processor = leaving([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
    await processor.start();
    let lost = 0;
    processor.onCall = (method, request) => {
      if (method !== "Observe" || !Buffer.from(request).includes("o2") || lost++ > 0) return undefined;
      if (hasTicked) processor.carryOut(method, request);
      return unseen;
    };
    await processor.restartInstance();
    assert.ok(lost > 0);
    assert.deepEqual(processor.world.instance.events, [["a"], ["b"], ["c"]]);
    assert.deepEqual(processor.checkpoint?.degradations, []);
  }
});

/**
 * A processor whose instance has restarted, whose worker has died in the rebuild behind the first event, and
 * whose next worker goes on with it.
 */
async function resuming(history: StoredCommand[]): Promise<OneProcessor> {
  const first = leaving(history);
  await first.start();
  await first.until("everything is persisted", () => first.persisted === first.checkpoint);
  first.onCall = (method, request) => {
    if (method !== "Observe") return undefined;
    first.carryOut(method, request);
    first.life.isDead = true;
    return undefined;
  };
  first.world.restartInstance();
  await first.until("the worker has died", () => first.life.isDead);
  return first.nextLife();
}

const history = [observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])];
const isOwn = (request: Uint8Array) => Buffer.from(request).includes("kato-gateway");

/** Starts a worker, and checks that working memory is then this, and as the checkpoint says. */
async function checkRebuilt(processor: OneProcessor, events: string[][]): Promise<void> {
  void processor.slot.start();
  await processor.untilReconciled();
  assert.deepEqual(processor.world.instance.events, events);
  assert.deepEqual(processor.checkpoint?.degradations, []);
  const { interval = 0, offset = 0 } = processor.checkpoint ?? {};
  assert.equal(interval + offset, events.length, "clients see the Observes of the log");
}

test("the Observe for which a resumed rebuild waits is persisted ahead, and its tick before the next call (A5)", async () => {
  const processor = await resuming(history);
  const persisted: unknown[] = [];
  processor.onCall = (method) => {
    const { ownObserve, rebuilding } = processor.persisted ?? {};
    persisted.push([method, ownObserve, rebuilding?.base]);
    return undefined;
  };
  await checkRebuilt(processor, [["a"], ["b"], ["c"]]);
  const own = persisted.findIndex((one) => Array.isArray(one) && one[0] === "Observe");
  assert.deepEqual(persisted.slice(own, own + 2), [
    ["Observe", { unseen: null }, 0],
    ["UpdateGenes", null, 1],
  ]);
});

test("where the worker dies behind that Observe, its tick is not taken for an event (A5)", async () => {
  const processor = await resuming(history);
  processor.onCall = (method, request) => {
    if (method !== "Observe" || !isOwn(request)) return undefined;
    processor.carryOut(method, request);
    processor.life.isDead = true;
    return undefined;
  };
  void processor.slot.start();
  await processor.until("the worker has died", () => processor.life.isDead);
  await checkRebuilt(processor.nextLife(), [["a"], ["b"], ["c"]]);
});

test("the Observe for which a resumed rebuild waits sets off no auto-learn (A5)", async () => {
  const first = leaving([observe(1, ["a"]), observe(2, ["b"]), setGenes(3, { max_sequence_length: 2 })]);
  const { instance } = first.world;
  await first.start();
  await first.until("everything is persisted", () => first.persisted === first.checkpoint);
  // It dies when the rebuild has set all genes again, and has not persisted that it is over.
  first.onCall = (method) => {
    if (instance.events.length === 2 && instance.genes.max_sequence_length === 2 && method === "Ping") {
      first.life.isDead = true;
    }
    return undefined;
  };
  first.world.restartInstance();
  await first.until("the worker has died", () => first.life.isDead);
  await checkRebuilt(first.nextLife(), [["a"], ["b"]]);
  assert.equal(instance.kept.models.size, 0);
});
