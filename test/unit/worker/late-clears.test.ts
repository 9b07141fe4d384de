import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { atFirst, failed, OneProcessor, observe, stored } from "./one-processor.ts";

// A worker that was frozen before it sent a clear sends it when it wakes up, beside the calls of the next owner.

const nothing = new Uint8Array();
const client = { replyTo: "client" };
const late = { ...client, deadlineMs: 1_100_000 };

function vectorOf(sequence: number, vector: number[], sent: Partial<StoredCommand> = {}): StoredCommand {
  return stored(sequence, "Observe", { vectors: [vector], unique_id: `o${sequence}` }, sent);
}

/** Checks that working memory is this, and that it is given back by a restart as it is. */
async function checkExact(processor: OneProcessor, events: string[][]): Promise<void> {
  const { instance } = processor.world;
  assert.deepEqual(instance.events, events);
  await processor.restartInstance();
  assert.deepEqual(instance.events, events);
  assert.deepEqual(processor.checkpoint?.degradations, []);
}

test("the clear with which a processor begins is expected by the next owner, and mended after the step that it has met", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  first.onCall = (method) => {
    if (method === "ClearWorkingMemory" && first.world.instance.interval > 0) first.life.isDead = true;
    return undefined;
  };
  void first.slot.start();
  await first.until("it is about to clear", () => first.life.isDead);
  const next = first.nextLife();
  next.onCall = atFirst(
    "Observe",
    () => {
      next.carryOut("ClearWorkingMemory", nothing);
      return undefined;
    },
    "o2",
  );
  await next.start();
  await next.pass(0);
  await checkExact(next, [["a"], ["b"]]);
});

test("a clear between an Observe of vectors and the question for their symbols is mended, and not taken for what is there", async () => {
  for (const from of ["before", "behind"]) {
    const processor = new OneProcessor([observe(1, ["a"]), vectorOf(2, [5], client)]);
    const clear = () => {
      processor.carryOut("ClearWorkingMemory", nothing);
      return undefined;
    };
    const { instance } = processor.world;
    const behind = atFirst("GetWorkingMemory", clear);
    processor.onCall =
      from === "before"
        ? atFirst("Observe", clear, "o2")
        : (method, request) => (instance.events.length === 2 ? behind(method, request) : undefined);
    await processor.start();
    assert.equal(processor.repliesTo("client")[0]?.outcome, "applied");
    await checkExact(processor, [["a"], ["VECTOR|5"]]);
  }
});

test("so is one beside an Observe that fails", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), vectorOf(2, [1, 2], client)]);
  processor.onCall = atFirst(
    "Observe",
    () => {
      processor.carryOut("ClearWorkingMemory", nothing);
      return undefined;
    },
    "o2",
  );
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  await checkExact(processor, [["a"]]);
});

test("an event that KATO does not make is asked for again once, and then taken as it is", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], client), observe(3, ["c"])]);
  const { instance } = processor.world;
  processor.onCall = (method, request) => {
    if (method !== "Observe" || !Buffer.from(request).includes("o2")) return undefined;
    instance.interval++;
    instance.events = [];
    return failed(method, instance.interval);
  };
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
});

/** Applies a history under a worker that dies in the last Observe of it, whose event a late clear takes. */
async function clearedInTheLast(history: StoredCommand[]): Promise<OneProcessor> {
  const first = new OneProcessor(history);
  return first.dieAtFirst(
    "Observe",
    (request) => {
      first.carryOut("Observe", request);
      first.carryOut("ClearWorkingMemory", nothing);
    },
    `o${history.length}`,
  );
}

test("an Observe whose event a clear has taken before it was persisted is not told as failed, but applied again (A7)", async () => {
  for (const [command, event] of [
    [observe(1, ["a"], client), ["a"]],
    [vectorOf(1, [5], client), ["VECTOR|5"]],
  ] as const) {
    const next = await clearedInTheLast([command]);
    await next.start();
    assert.equal(next.repliesTo("client")[0]?.outcome, "applied");
    await checkExact(next, [[...event]]);
    const { interval = 0, offset = 0 } = next.checkpoint ?? {};
    assert.equal(interval + offset, 1, "clients see one Observe");
  }
});

test("nor does it expire, as its success may have been told (A7)", async () => {
  for (const history of [[observe(1, ["a"], late)], [observe(1, ["a"], late), observe(2, ["b"], late)]]) {
    const next = await clearedInTheLast(history);
    next.world.clock.nowMs = late.deadlineMs + 1;
    void next.slot.start();
    await next.untilApplied(history.length);
    assert.deepEqual(next.world.instance.events, [["a"], ["b"]].slice(0, history.length));
  }
});

test("an Observe whose event is missing has failed where the next owner has it fail again", async () => {
  const next = await clearedInTheLast([vectorOf(1, [1, 2], client)]);
  await next.start();
  const [reply] = next.repliesTo("client");
  assert.equal(reply?.outcome, "failed");
  assert.equal(next.checkpoint?.foreign.ticks, 0);
  await checkExact(next, []);
});

test("where KATO knows the model of the events that are missing, that a late Learn may have taken them is told", async () => {
  const first = new OneProcessor([observe(1, ["a", "b"])]);
  const next = await first.dieAtFirst(
    "Observe",
    (request) => {
      first.carryOut("Observe", request);
      first.carryOut("Learn", nothing);
    },
    "o1",
  );
  await next.start();
  assert.deepEqual(next.world.instance.events, [["a", "b"]]);
  const [degradation] = next.checkpoint?.degradations ?? [];
  assert.equal(degradation?.code, "foreign-learn");
});
