import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { forEachConcurrently } from "../../../libs/nats/for-each-concurrently.ts";

test("every item is done, in order, and no more than 32 are under way", async () => {
  const begun: number[] = [];
  let underWay = 0;
  let most = 0;
  await forEachConcurrently(
    Array.from({ length: 100 }, (_, index) => index),
    async (item) => {
      begun.push(item);
      most = Math.max(most, ++underWay);
      await turn();
      underWay--;
    },
  );
  assert.deepEqual(
    begun,
    Array.from({ length: 100 }, (_, index) => index),
  );
  assert.equal(most, 32);
});

test("a failure is passed on", async () => {
  const failing = forEachConcurrently([1, 2, 3], async (item) => {
    if (item === 2) throw new Error("two");
  });
  await assert.rejects(failing, /two/);
});
