import assert from "node:assert/strict";
import { test } from "node:test";
import { idleProbeMs } from "../../../services/worker/idle-probes.ts";
import { ProbePace } from "../../../services/worker/processor/probe-pace.ts";

/** A pace in a worker of so many processors, and a clock that stands still. */
function paceOf(processors: number) {
  const clock = { nowMs: 1_000_000, monotonicMs: () => clock.nowMs };
  return { clock, pace: new ProbePace(clock, () => idleProbeMs(processors)) };
}

const never = new Promise<void>(() => {});
const isWithin = (ms: number, least: number, most: number) =>
  assert.ok(ms >= least && ms <= most, `${ms} is not from ${least} to ${most}`);

test("an instance is asked every second or so, whether it is used or not, where its worker has up to seventy", () => {
  for (const processors of [1, 70]) isWithin(paceOf(processors).pace.nextMs, 1_000, 1_500);
});

test("a worker of more asks seventy idle instances a second, and each of them every 21 s at the latest", () => {
  isWithin(paceOf(700).pace.nextMs, 10_000, 14_100);
  isWithin(paceOf(100_000).pace.nextMs, 15_000, 21_100);
});

test("instances are asked at common moments", () => {
  const { clock, pace } = paceOf(1_000);
  const moments = new Set<number>();
  for (let count = 0; count < 100; count++) {
    clock.nowMs += 7;
    moments.add((clock.nowMs + pace.nextMs) % 100);
  }
  assert.deepEqual([...moments], [0]);
});

test("what is used is asked every second or so in any worker, for 10 s", () => {
  const { clock, pace } = paceOf(5_000);
  pace.used();
  isWithin(pace.nextMs, 1_000, 1_500);
  clock.nowMs += 9_900;
  isWithin(pace.nextMs, 1_000, 1_500);
  clock.nowMs += 200;
  isWithin(pace.nextMs, 15_000, 21_100);
});

test("an instance that is used after a while is looked at soon, as its pause was long", async () => {
  const { clock, pace } = paceOf(5_000);
  const paused = pace.pause(never);
  pace.used();
  await paused;
  let isOver = false;
  void pace.pause(never).then(() => {
    isOver = true;
  });
  clock.nowMs += 1_000;
  pace.used();
  await new Promise(setImmediate);
  assert.equal(isOver, false, "the pause is short already");
});

test("the database is asked for every 15 s", () => {
  const { clock, pace } = paceOf(1);
  assert.equal(pace.isDatabaseDue, false);
  clock.nowMs += 15_001;
  assert.equal(pace.isDatabaseDue, true);
  pace.databaseProbed();
  assert.equal(pace.isDatabaseDue, false);
});
