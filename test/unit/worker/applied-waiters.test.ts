import assert from "node:assert/strict";
import { test } from "node:test";
import { AppliedWaiters } from "../../../services/worker/processor/applied-waiters.ts";
import { VirtualClock } from "./crash-schedules/virtual-clock.ts";

const owner = { isDead: false };

function waitersOf(applied: { sequence: number }, clock = new VirtualClock()): AppliedWaiters {
  return new AppliedWaiters(() => applied.sequence, { after: (ms, task) => clock.after(owner, ms, task) });
}

test("whoever waits goes on as soon as just that is applied", async () => {
  const applied = { sequence: 2 };
  const waiters = waitersOf(applied);
  assert.equal(await waiters.wait(2, 1_000), true);
  const ended: number[] = [];
  const waits = [3, 4].map((sequence) => waiters.wait(sequence, 1_000).then(() => ended.push(sequence)));
  applied.sequence = 3;
  waiters.check();
  await waits[0];
  assert.deepEqual(ended, [3]);
  applied.sequence = 4;
  waiters.check();
  await Promise.all(waits);
});

test("waiting ends without it after its time, or when the processor is given up", async () => {
  const clock = new VirtualClock();
  const waiters = waitersOf({ sequence: 2 }, clock);
  const late = waiters.wait(3, 1_000);
  clock.fireNext();
  assert.equal(await late, false);
  const closed = waiters.wait(3, 1_000);
  waiters.close();
  assert.equal(await closed, false);
});
