import assert from "node:assert/strict";
import { test } from "node:test";
import { DrainRate } from "../../../services/worker/processor/drain-rate.ts";

type Progress = Parameters<DrainRate["note"]>[0];
const applying = (applied: number, since = 1): Progress => ({ state: "applying", since, applied });

/**
 * A rate after this many ticks of a quarter of a second. At each tick `perTick` more commands are applied.
 */
function worked(perTick: number, ticks: number, rate = new DrainRate()): DrainRate {
  for (let tick = 0; tick < ticks; tick++) {
    rate.note(applying(tick * perTick), applying((tick + 1) * perTick), 0.25);
  }
  return rate;
}

test("the drain rate is the number of commands applied per second of work", () => {
  assert.equal(Math.round(worked(25, 40).perSecond), 100);
});

test("the drain rate is not known at first, nor long after the last work", () => {
  assert.equal(new DrainRate().perSecond, 0);
  assert.equal(worked(25, 3).perSecond, 0);
  const rate = worked(25, 40);
  const idle: Progress = { state: "ready", since: 2, applied: 1_000 };
  for (let tick = 0; tick < 10; tick++) rate.note(idle, idle, 1);
  assert.equal(Math.round(rate.perSecond), 100, "it idles, and is no slower for that");
  for (let tick = 0; tick < 60; tick++) rate.note(idle, idle, 1);
  assert.equal(rate.perSecond, 0);
});

test("an interval in which the processor was idle or paused does not count", () => {
  const rate = worked(25, 40);
  // With one command at a time, the processor is applying at both moments, but was ready in between.
  for (let tick = 0; tick < 20; tick++) rate.note(applying(tick, tick), applying(tick + 1, tick + 1), 0.25);
  const paused: Progress = { state: "paused", since: 99, applied: 20 };
  rate.note(paused, paused, 3);
  assert.equal(Math.round(rate.perSecond), 100);
});

test("a replay counts, and a rebuild that applies no command does not", () => {
  const rate = new DrainRate();
  const rebuilding = (applied: number): Progress => ({ state: "rebuilding", since: 1, applied });
  for (let tick = 0; tick < 20; tick++) rate.note(rebuilding(tick * 5), rebuilding((tick + 1) * 5), 0.25);
  for (let tick = 0; tick < 4; tick++) rate.note(rebuilding(100), rebuilding(100), 1);
  assert.equal(Math.round(rate.perSecond), 20);
});

test("a call that does not end makes the drain rate lower and lower", () => {
  const rate = worked(25, 40);
  const seen = [rate.perSecond];
  for (let tick = 0; tick < 60; tick++) {
    rate.note(applying(1_000), applying(1_000), 1);
    seen.push(rate.perSecond);
  }
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => b - a),
  );
  assert.ok(rate.perSecond < 1);
});
