import assert from "node:assert/strict";
import { test } from "node:test";
import { startSpreadTimer } from "../../../services/worker/spread-timer.ts";

test("each item has its turn once in the period, and only some have it at once", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  const times = new Map<number, number>();
  let now = 0;
  const timer = startSpreadTimer(
    250,
    () => items,
    (item) => {
      times.set(item, (times.get(item) ?? 0) + 1);
      now++;
    },
  );
  for (let slice = 0; slice < 2; slice++) {
    now = 0;
    t.mock.timers.tick(125);
    assert.equal(now, 500);
  }
  assert.equal(times.size, items.length);
  t.mock.timers.tick(250);
  assert.ok([...times.values()].every((count) => count === 2));
  clearInterval(timer);
});

test("this holds for few items too, and for a period shorter than a slice", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const done: string[] = [];
  const timers = [
    startSpreadTimer(
      10_000,
      () => ["only"],
      (item) => done.push(item),
    ),
    startSpreadTimer(
      10,
      () => ["often"],
      (item) => done.push(item),
    ),
  ];
  t.mock.timers.tick(30);
  assert.deepEqual(done, ["often", "often", "often"]);
  t.mock.timers.tick(9_970);
  assert.equal(done.filter((item) => item === "only").length, 1);
  for (const timer of timers) clearInterval(timer);
});
