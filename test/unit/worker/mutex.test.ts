import assert from "node:assert/strict";
import { test } from "node:test";
import { Mutex } from "../../../services/worker/processor/mutex.ts";

test("one task runs at a time, in the order in which they came, and also after one that failed (A1)", async () => {
  const mutex = new Mutex();
  const story: string[] = [];
  const first = Promise.withResolvers<void>();
  const runs = [
    mutex.run(async () => {
      story.push("first begins");
      await first.promise;
      story.push("first ends");
      throw new Error("it fails");
    }),
    mutex.run(async () => story.push("second")),
    mutex.run(async () => story.push("third")),
  ];
  const ends = Promise.allSettled(runs);
  await new Promise(setImmediate);
  assert.deepEqual(story, ["first begins"]);
  first.resolve();
  assert.deepEqual(
    (await ends).map(({ status }) => status),
    ["rejected", "fulfilled", "fulfilled"],
  );
  assert.deepEqual(story, ["first begins", "first ends", "second", "third"]);
});
