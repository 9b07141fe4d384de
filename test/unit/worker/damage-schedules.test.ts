import assert from "node:assert/strict";
import { test } from "node:test";
import { runInThreads } from "./crash-schedules/run-in-threads.ts";

/** Always the same schedules in `npm test`. DAMAGE_SCHEDULES=10000 draws others. */
const firstSeed = process.env.DAMAGE_SCHEDULES ? Date.now() % 1_000_000_000 : 1;
const seed = Number(process.env.CHAOS_SEED ?? firstSeed);
/** How many schedules are run. If a seed is given, because its schedule fails, only that one is run. */
const schedules = Number(process.env.DAMAGE_SCHEDULES ?? (process.env.CHAOS_SEED ? 1 : 1_000));

test("whatever happens to the store, nothing is lost without being told, nothing is doubled, all is in order", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} DAMAGE_SCHEDULES=${schedules}`);
  assert.equal(await runInThreads(seed, schedules, true), "");
});
