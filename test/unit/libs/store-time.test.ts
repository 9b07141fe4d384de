import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreTime } from "../../../libs/nats/store-time.ts";

function watched() {
  const said: string[] = [];
  const time = new StoreTime({ info: () => said.push("info"), warn: () => said.push("warn") });
  return { time, said };
}

/** JetStream stored something now, by a clock that is this far ahead of this machine's. */
function answer(aheadMs: number, tookMs = 2) {
  const answeredAt = performance.now();
  return { sentAt: answeredAt - tookMs, answeredAt, storeMs: Date.now() + aheadMs };
}

const isNear = (time: StoreTime, aheadMs: number, ms = 100) =>
  assert.ok(Math.abs(time.nowMs() - Date.now() - aheadMs) < ms, String(time.nowMs() - Date.now()));

test("it is this machine's clock until something was measured", () => {
  const { time } = watched();
  isNear(time, 0);
  assert.equal(time.skewMs, 0);
});

test("a clock an hour ahead or behind is followed, also when it is set", () => {
  const { time } = watched();
  for (const aheadMs of [3_600_000, -3_600_000, 250, 0]) {
    time.note(answer(aheadMs));
    isNear(time, aheadMs);
    assert.ok(Math.abs(time.skewMs + aheadMs) < 100);
  }
});

test("a slow answer changes nothing, and is never taken for a clock that is further ahead", () => {
  const { time } = watched();
  time.note(answer(0));
  const { answeredAt } = answer(0);
  time.note({ sentAt: answeredAt - 8_000, answeredAt, storeMs: Date.now() - 7_000 });
  isNear(time, 0);
});

test("a difference of more than a second is said once, and so is its end", () => {
  const { time, said } = watched();
  for (const aheadMs of [0, 900, 1_200, 5_000, 1_500, 100, 0, -2_000]) time.note(answer(aheadMs));
  assert.deepEqual(said, ["warn", "info", "warn"]);
});
