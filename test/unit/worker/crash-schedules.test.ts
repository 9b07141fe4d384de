import assert from "node:assert/strict";
import { test } from "node:test";
import { runInThreads } from "./crash-schedules/run-in-threads.ts";

/**
 * Always the same schedules in `npm test`, so that it says something about a change.
 * RECOVERY_SCHEDULES=100000 draws others.
 */
const firstSeed = process.env.RECOVERY_SCHEDULES ? Date.now() % 1_000_000_000 : 1;
const seed = Number(process.env.CHAOS_SEED ?? firstSeed);
/** How many schedules are run. If a seed is given, because its schedule fails, only that one is run. */
const schedules = Number(process.env.RECOVERY_SCHEDULES ?? (process.env.CHAOS_SEED ? 1 : 3_000));

test("whatever crashes, and wherever, the instance ends as it would without a crash, and nobody is told otherwise", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} RECOVERY_SCHEDULES=${schedules}`);
  assert.equal(await runInThreads(seed, schedules, false), "");
});
