import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { atFirst, OneProcessor, observe, stored, unseen } from "./one-processor.ts";

// A worker was frozen in a ClearAllMemory, the first command of the log. It may send that when it wakes up, beside the
// calls of the next owner. That sets the interval back, as a restart does.

const nothing = new Uint8Array();
const name = modelName([["a", "b"]]);
const learnOne = [observe(2, ["a", "b"]), stored(3, "Learn", {})];
const vector = stored(2, "Observe", { vectors: [[5]], unique_id: "o2" });
/** It fails, so KATO has no vector of it. */
const unlikeVector = stored(2, "Observe", { vectors: [[5, 6]], unique_id: "o2" });
const learnVector = [vector, stored(3, "Learn", {})];

/** The next owner, once it has applied these commands behind the ClearAllMemory. */
async function nextOwner(
  commands: StoredCommand[],
  prepare = (_: OneProcessor) => {},
): Promise<OneProcessor> {
  const first = new OneProcessor([stored(1, "ClearAllMemory", {}), ...commands]);
  const next = await first.dieAtFirst("ClearAllMemory");
  prepare(next);
  await next.start();
  return next;
}

function codesOf(processor: OneProcessor): string[] | undefined {
  return processor.checkpoint?.degradations.map(({ code }) => code);
}

/** Has this call take effect, and the instance restart before it has answered. */
function restartIn(method: Method) {
  return (processor: OneProcessor) => {
    processor.onCall = atFirst(method, (request) => {
      processor.carryOut(method, request);
      processor.world.restartInstance();
      return unseen;
    });
  };
}

test("a restart where nothing is left that was learned is not taken for a late ClearAllMemory", async () => {
  const remove = stored(4, "DeleteModel", { name });
  for (const commands of [
    [observe(2, ["a"]), stored(3, "Learn", {})],
    [...learnOne, remove],
    [...learnVector.slice(0, 1), stored(3, "ClearWorkingMemory", {})],
    [unlikeVector, stored(3, "Learn", {})],
  ]) {
    const next = await nextOwner(commands);
    await next.restartInstance();
    assert.deepEqual(codesOf(next), []);
  }
});

test("nor is one in which the command that takes the last model was under way", async () => {
  const remove = [...learnOne, stored(4, "DeleteModel", { name })];
  assert.deepEqual(codesOf(await nextOwner(remove, restartIn("DeleteModel"))), []);
  const clear = [...learnOne, stored(4, "ClearAllMemory", {})];
  const next = await nextOwner(clear, (processor) => {
    processor.onCall = (method, request) => {
      if (method !== "ClearAllMemory" || !processor.world.instance.kept.models.has(name)) return undefined;
      processor.carryOut(method, request);
      processor.world.restartInstance();
      return unseen;
    };
  });
  assert.deepEqual(codesOf(next), []);
});

test("a late ClearAllMemory that takes a model or vectors is told", async () => {
  for (const commands of [learnOne, learnVector]) {
    const next = await nextOwner(commands);
    next.carryOut("ClearAllMemory", nothing);
    await next.until("it is noticed", () => codesOf(next)?.length === 1);
    assert.deepEqual(codesOf(next), ["perhaps-cleared"]);
  }
});

test("it is told also where the worker that woke up is heard of only after more was learned", async () => {
  const processor = new OneProcessor([
    observe(1, ["a"]),
    ...learnOne,
    observe(4, ["c", "d"]),
    stored(5, "Learn", {}),
  ]);
  processor.onCall = atFirst(
    "Observe",
    () => {
      processor.carryOut("ClearAllMemory", nothing);
      return undefined;
    },
    "o4",
  );
  await processor.start();
  assert.deepEqual(codesOf(processor), []);
  const at = { sequence: 1, step: 0 };
  const late = { at, method: "ClearAllMemory", begunMs: 0, endedMs: 0, end: "response" };
  const report = { processor: "p1", worker: "frozen", calls: [late] };
  processor.world.lateCalls = [report];
  processor.slot.heard(report);
  await processor.until("the report is read", () => processor.world.lateCalls.length === 0);
  assert.deepEqual(codesOf(processor), ["perhaps-cleared"]);
});
