import assert from "node:assert/strict";
import { test } from "node:test";
import { CallLatencies } from "../../../services/worker/instance/call-latencies.ts";
import { goOn, OneProcessor, observe, stored, unseen } from "./one-processor.ts";

/** Latencies with a clock that a test sets. */
function latenciesAt(nowMs: number) {
  const clock = { nowMs, monotonicMs: () => clock.nowMs };
  return { clock, latencies: new CallLatencies(clock) };
}

const countOf = ({ figures }: CallLatencies) => figures?.count;
const highOf = ({ figures }: CallLatencies) => figures?.p99Ms;
const isNear = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual / expected - 1) <= 0.1, `${actual}, not ${expected}`);

test("half, 95 and 99 of a hundred calls took no longer than is told, within a tenth", () => {
  const { latencies } = latenciesAt(0);
  for (let ms = 1; ms <= 1_000; ms++) latencies.note(ms);
  const { figures } = latencies;
  assert.equal(figures?.count, 1_000);
  isNear(figures?.p50Ms, 500);
  isNear(figures?.p95Ms, 950);
  isNear(figures?.p99Ms, 990);
});

test("one slow call among many is not in the median, and any length has a place", () => {
  const { latencies } = latenciesAt(0);
  latencies.note(0);
  assert.ok((latencies.figures?.p99Ms ?? 1) < 0.11);
  for (let count = 0; count < 98; count++) latencies.note(3);
  latencies.note(300_000);
  isNear(latencies.figures?.p50Ms, 3);
  isNear(latencies.figures?.p95Ms, 3);
  latencies.note(3_600_000);
  assert.ok((latencies.figures?.p99Ms ?? 0) > 270_000);
});

test("only the last five minutes count, and after them nothing is told", () => {
  const { clock, latencies } = latenciesAt(12_345_678);
  assert.equal(countOf(latencies), undefined);
  latencies.note(100);
  clock.nowMs += 200_000;
  latencies.note(1);
  assert.equal(countOf(latencies), 2);
  clock.nowMs += 100_000;
  assert.equal(countOf(latencies), 1);
  isNear(highOf(latencies), 1);
  clock.nowMs += 200_000;
  assert.equal(countOf(latencies), undefined);
  clock.nowMs += 86_400_000;
  latencies.note(5);
  assert.equal(countOf(latencies), 1);
});

test("each applied step counts once, and no question, no failure, and nothing that was only found applied", async () => {
  const processor = new OneProcessor([
    observe(1, ["a"]),
    stored(2, "Learn", {}),
    stored(3, "DeleteModel", { name: "MODEL|none" }),
  ]);
  await processor.start();
  await goOn();
  assert.equal(processor.slot.state.latency?.count, 2);
  processor.onCall = (method, request) => {
    if (method !== "Observe") return undefined;
    processor.onCall = () => undefined;
    processor.carryOut(method, request);
    return unseen;
  };
  processor.world.store(observe(4, ["b"]));
  await processor.untilApplied(4);
  assert.equal(processor.slot.state.latency?.count, 2);
});
