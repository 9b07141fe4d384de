import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Fault } from "./crash-schedules/faults.ts";
import { Unprovable } from "./crash-schedules/reference.ts";
import { run } from "./crash-schedules/schedule.ts";
import { atFirst, OneProcessor, observe, setGenes, stored, tooLarge, unseen } from "./one-processor.ts";

/** Runs a history with faults, with several seeds: they decide when a call that is cut off goes on. */
async function withFaults(history: StoredCommand[], faults: Fault[], seeds = 5): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) {
    await run({ seed, history, faults }).catch((error) => {
      if (!(error instanceof Unprovable)) throw error;
    });
  }
}

const vectorOf = (sequence: number, value: number, strings: string[] = []) =>
  stored(sequence, "Observe", { strings, vectors: [[value]], unique_id: `o${sequence}` });

test("an Observe whose vectors were observed again to find out what became of it does not expire any more (A7)", async () => {
  const history = [
    stored(1, "UpdateGenes", { genes: { max_sequence_length: 1 } }),
    { ...vectorOf(2, 2, ["A"]), replyTo: "c2", deadlineMs: 1_600_000 },
  ];
  for (let point = 1; point <= 8; point++) {
    await withFaults(history, [
      { at: "Observe in-memory", point: 1, kind: "instance" },
      { at: "answer of GetWorkingMemory", point, kind: "cancel" },
    ]);
  }
});

test("a frozen worker that wakes up does not write its outcome over the true one (A7)", async () => {
  const history = [observe(1, ["a", "b"]), observe(2, ["c"]), stored(3, "Learn", {}, { store: true })];
  await withFaults(history, [
    { at: "answer of GetModel", point: 1, kind: "mongo" },
    { at: "before letter", point: 1, kind: "sleep" },
  ]);
});

test("vectors that a late Learn of nothing has stored before their own Learn are told", async () => {
  const history = [
    stored(1, "Learn", {}),
    vectorOf(2, 4),
    stored(3, "ClearWorkingMemory", {}),
    vectorOf(4, 5),
    stored(5, "ClearWorkingMemory", {}),
  ];
  await withFaults(history, [{ at: "before Learn", point: 1, kind: "sleep" }]);
});

test("the answer to an Observe says nothing of the same one when the history is replayed", async () => {
  await withFaults(
    [observe(1, ["A", "a"]), stored(2, "Learn", {})],
    [
      { at: "before GetWorkingMemory", point: 1, kind: "replay" },
      { at: "Observe ticked", point: 4, kind: "unseen" },
    ],
    40,
  );
});

test("vectors that an auto-learn has stored are not taken for those of a late Learn, where its answer was lost", async () => {
  const history = [
    observe(1, ["a", "b"]),
    stored(2, "Learn", {}),
    setGenes(3, { max_sequence_length: 3 }),
    observe(4, ["a"]),
    vectorOf(5, 5),
    observe(6, ["c"]),
    vectorOf(7, 7),
  ];
  const first = new OneProcessor(history);
  const next = await first.dieAtFirst("Learn");
  next.onCall = atFirst(
    "Observe",
    (request) => {
      next.carryOut("Observe", request);
      return unseen;
    },
    "o6",
  );
  await next.start();
  assert.deepEqual(next.checkpoint?.degradations, []);
});

test("a late Learn is expected, too, by the owner behind one that has not come to anything", async () => {
  for (const isStopped of [true, false]) {
    const history = [["a"], ["b"], [], ["c"], ["d"]].map((strings, index) =>
      strings.length > 0 ? observe(index + 1, strings) : stored(index + 1, "Learn", {}),
    );
    const first = new OneProcessor(history);
    const second = await first.dieAtFirst("Learn");
    second.onCall = () => unseen;
    void second.slot.start();
    await second.until("it calls the instance", () => second.calls.length > 0);
    second.life.lease.held = isStopped;
    await second.slot.stop();
    await second.pass(0);
    const third = second.nextLife();
    third.onCall = atFirst(
      "Observe",
      () => {
        third.carryOut("Learn", new Uint8Array());
        return undefined;
      },
      "o5",
    );
    await third.start();
    await third.pass(0);
    const { kept, events } = third.world.instance;
    assert.deepEqual([[...kept.models.keys()], events], [[modelName([["a"], ["b"]])], [["c"], ["d"]]]);
  }
});

test("a late Observe that was taken for the next one of the log, as both make the same event, is mended once it is told", async () => {
  const joyful = stored(1, "Observe", { strings: ["a"], emotives: { joy: 3 }, unique_id: "o1" });
  const first = new OneProcessor([joyful, observe(2, ["a"])]);
  const next = await first.dieAtFirst(
    "Observe",
    (request) => {
      first.carryOut("Observe", request);
      first.carryOut("Observe", request);
    },
    "o1",
  );
  const late = { at: { sequence: 1, step: 0 }, method: "Observe", begunMs: 0, endedMs: 0, end: "response" };
  first.world.lateCalls = [{ processor: "p1", worker: "frozen", calls: [late] }];
  await next.start();
  await next.until("the report is read", () => next.world.lateCalls.length === 0);
  const { events, emotives } = next.world.instance;
  assert.deepEqual([events, emotives], [[["a"], ["a"]], [3]]);
});

test("a working memory that is too large to be read does not stop a processor where a late clear is expected", async () => {
  const first = new OneProcessor([observe(1, ["a"]), stored(2, "StopSleeping", {}), observe(3, ["b"])]);
  const next = await first.dieAtFirst("StopSleeping");
  next.onCall = (method) => (method === "GetWorkingMemory" ? tooLarge : undefined);
  const begunMs = next.world.clock.nowMs;
  await next.start();
  assert.ok(next.world.clock.nowMs < begunMs + 10_000);
});

test("what a late call has done is mended, too, where the log cannot be read when it is told", async () => {
  let isAway = false;
  const processor = new OneProcessor([observe(1, ["a"])], ({ stores }) => ({
    stores: {
      ...stores,
      logs: {
        ...stores.logs,
        readRange: (id, first, through) => {
          if (!isAway) return stores.logs.readRange(id, first, through);
          isAway = false;
          throw new Error("no answer");
        },
      },
    },
  }));
  await processor.start();
  const { world } = processor;
  processor.carryOut("ClearWorkingMemory", new Uint8Array());
  isAway = true;
  const late = { at: null, method: "ClearWorkingMemory", begunMs: 0, endedMs: 0, end: "response" };
  const report = { processor: "p1", worker: "frozen", calls: [late] };
  world.lateCalls = [report];
  processor.slot.heard(report);
  await processor.until("the report is read", () => world.lateCalls.length === 0);
  assert.deepEqual([isAway, world.instance.events], [false, [["a"]]]);
});

test("a model that was learned since a late DeleteModel stood in the log is told, if that has deleted it", async () => {
  const name = modelName([["a", "b"]]);
  const remove = stored(1, "DeleteModel", { name });
  for (const failed of [true, false]) {
    const processor = new OneProcessor([remove, observe(2, ["a", "b"]), stored(3, "Learn", {})]);
    await processor.start();
    const { world } = processor;
    if (!failed) processor.carryOut("DeleteModel", remove.data);
    const at = { sequence: 1, step: 0 };
    const late = { at, method: "DeleteModel", begunMs: 0, endedMs: 0, end: "response", failed };
    const report = { processor: "p1", worker: "frozen", calls: [late] };
    world.lateCalls = [report];
    processor.slot.heard(report);
    await processor.until("the report is read", () => world.lateCalls.length === 0);
    assert.equal(processor.checkpoint?.degradations[0]?.code, failed ? undefined : "perhaps-cleared");
  }
});

test("the model of a late Observe in whose auto-learn the instance died makes no Observe fail", async () => {
  const history = [
    stored(1, "Observe", { unique_id: "o1" }),
    observe(2, ["A"]),
    observe(3, ["A"]),
    setGenes(4, { max_sequence_length: 1 }),
  ];
  await withFaults(history, [
    { at: "before Observe", point: 4, kind: "sleep" },
    { at: "Observe model-written", point: 1, kind: "slow-start" },
  ]);
});
