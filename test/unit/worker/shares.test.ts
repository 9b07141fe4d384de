import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fleet } from "../../../services/worker/assignment/shares.ts";
import { shareOut } from "../../../services/worker/assignment/shares.ts";

type Lists = Record<string, string[] | "*">;

/**
 * Has each worker take and release by turns until nothing changes any more, and returns who holds what then.
 */
function settled(
  processors: string[],
  workers: Lists,
  held: Record<string, string> = {},
): Map<string, string> {
  const holders = new Map(Object.entries(held));
  for (let round = 0; round < 20; round++) {
    let changes = 0;
    for (const me of Object.keys(workers)) {
      const { take, release } = shareOut(fleetOf(me, processors, workers, holders));
      for (const id of release) holders.delete(id);
      for (const id of take) holders.set(id, me);
      changes += take.length + release.length;
    }
    if (changes === 0) return holders;
  }
  throw new Error("it does not come to rest");
}

function fleetOf(me: string, processors: string[], lists: Lists, holders: Map<string, string>): Fleet {
  return { me, wanted: lists[me] ?? "*", processors, holders, workers: new Map(Object.entries(lists)) };
}

function heldBy(worker: string, holders: Map<string, string>): string[] {
  return [...holders].flatMap(([id, holder]) => (holder === worker ? [id] : [])).sort();
}

const five = ["p1", "p2", "p3", "p4", "p5"];

test("every processor is run, and workers for all run equally many", () => {
  const holders = settled(five, { a: "*", b: "*" });
  assert.equal(holders.size, 5);
  assert.equal(heldBy("a", holders).length, 3);
  assert.equal(heldBy("b", holders).length, 2);
});

test("a worker that comes gets its share, and those of one that is gone are taken over", () => {
  const alone = settled(five, { a: "*" });
  assert.equal(heldBy("a", alone).length, 5);
  const shared = settled(five, { a: "*", b: "*", c: "*" }, Object.fromEntries(alone));
  assert.deepEqual(
    ["a", "b", "c"].map((worker) => heldBy(worker, shared).length),
    [2, 2, 1],
  );
  for (const id of heldBy("a", shared)) shared.delete(id);
  assert.equal(settled(five, { b: "*", c: "*" }, Object.fromEntries(shared)).size, 5);
});

test("a worker takes no more than its share, and keeps that", () => {
  const lists: Lists = { a: "*", b: "*" };
  const held = new Map([
    ["p1", "a"],
    ["p2", "a"],
  ]);
  const { take, release } = shareOut(fleetOf("a", five, lists, held));
  assert.deepEqual([take.length, release], [1, []]);
});

test("a worker with a list runs just what is in it, and the others run the rest", () => {
  const lists: Lists = { a: "*", b: ["p1", "p9"], c: "*" };
  const all = Object.fromEntries(five.map((id) => [id, "a"]));
  const holders = settled(five, lists, all);
  assert.deepEqual(heldBy("b", holders), ["p1"]);
  assert.equal(heldBy("a", holders).length, 2);
  assert.equal(heldBy("c", holders).length, 2);
  assert.equal(heldBy("a", settled(five, { a: "*", b: ["p1"] })).length, 4);
  const strange = new Map([["p2", "b"]]);
  assert.deepEqual(shareOut(fleetOf("b", five, lists, strange)).release, ["p2"]);
});
