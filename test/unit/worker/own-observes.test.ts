import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { atFirst, OneProcessor, observe, stored, unseen } from "./one-processor.ts";

// The worker makes an empty Observe where a processor begins at interval 0, and where it has to wait for the
// end of an Observe of the log.
const own = "kato-gateway";
const foreign = encodeRequest("Observe", { strings: ["x"], unique_id: "somebody else's" });

test("the Observe with which a processor begins is cleared away before the first of the log, so that clients do not see it", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  let before: string[] = [];
  processor.onCall = atFirst(
    "Observe",
    () => {
      before = [...processor.calls];
      return undefined;
    },
    "o1",
  );
  await processor.start();
  assert.deepEqual(before.slice(before.indexOf("Observe")), ["Observe", "ClearWorkingMemory", "Observe"]);
  assert.equal(processor.checkpoint?.offset, -1);
});

/**
 * The next life of a worker that died within the Observe with which it began. That has ticked, and this is not
 * persisted. If an Observe of somebody else is given, that has ticked behind it.
 */
async function afterDeathWithinIt(other?: Uint8Array): Promise<OneProcessor> {
  const first = new OneProcessor([observe(1, ["a"])]);
  first.onCall = atFirst("Observe", (request) => {
    first.carryOut("Observe", request);
    if (other) first.carryOut("Observe", other);
    first.life.isDead = true;
    return undefined;
  });
  void first.slot.start();
  await first.until("it has ticked", () => first.world.instance.interval === (other ? 2 : 1));
  return first.nextLife();
}

test("once it is found that it has ticked, that is persisted before the first Observe of the log (A5)", async () => {
  const next = await afterDeathWithinIt();
  let persisted: object | undefined;
  next.onCall = (method) => {
    const { ownObserve, interval } = next.persisted ?? {};
    if (method === "Observe") persisted = { ownObserve, interval };
    return undefined;
  };
  await next.start();
  assert.deepEqual(persisted, { ownObserve: null, interval: 1 });
  assert.equal(next.checkpoint?.foreign.ticks, 0);
});

test("what somebody else observes beside it is noticed and taken back (A5)", async () => {
  const next = await afterDeathWithinIt(foreign);
  await next.start();
  assert.equal(next.checkpoint?.foreign.ticks, 1);
  assert.deepEqual(next.world.instance.events, [["a"]]);
});

test("the Observe that waits for one of the log is persisted ahead, and that it has ticked before the next call (A5)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const persisted: unknown[] = [];
  const lose = atFirst(
    "Observe",
    (request) => {
      processor.carryOut("Observe", request);
      return unseen;
    },
    "o1",
  );
  processor.onCall = (method, request) => {
    if (method === "Observe") {
      const { applied, interval, ownObserve } = processor.persisted ?? {};
      persisted.push([Buffer.from(request).includes(own) ? "own" : "log", applied, interval, ownObserve]);
    }
    return lose(method, request);
  };
  await processor.start();
  assert.deepEqual(persisted, [
    ["own", 0, 0, { unseen: null }],
    ["log", 0, 1, null],
    ["own", 0, 1, { unseen: { sequence: 1, step: 0 } }],
    ["log", 1, 3, null],
  ]);
  assert.deepEqual(processor.world.instance.events, [["a"], ["b"]]);
});

test("when the worker dies behind it, its tick is not taken for that of the next Observe of the log (A3)", async () => {
  const first = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  first.onCall = (method, request) => {
    if (method !== "Observe" || first.world.instance.interval === 0) return undefined;
    first.carryOut(method, request);
    if (Buffer.from(request).includes("o1")) return unseen;
    first.life.isDead = true;
    return undefined;
  };
  void first.slot.start();
  await first.until("both have ticked", () => first.world.instance.interval === 3);
  const next = first.nextLife();
  await next.start();
  assert.deepEqual(next.world.instance.events, [["a"], ["b"]]);
  const { interval = 0, offset = 0 } = next.checkpoint ?? {};
  assert.equal(interval + offset, 2, "clients see two Observes");
});

test("a clear sets the interval to 0, from which an Observe of the worker's own takes it, so that a restart shows (A5)", async () => {
  const processor = new OneProcessor([stored(1, "ClearAllMemory", {}), observe(2, ["a"])]);
  await processor.start();
  assert.equal(processor.checkpoint?.interval, 2);
});
