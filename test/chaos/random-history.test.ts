import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sendTo } from "../fixtures/http-client.ts";
import { Random } from "../unit/worker/crash-schedules/random.ts";
import type { ChaosSystem } from "./harness/chaos-system.ts";
import { freshStart, startChaosSystem, untilApplied } from "./harness/chaos-system.ts";
import { checkTold } from "./harness/check-told.ts";
import { Nemesis } from "./harness/nemesis.ts";
import { RandomClient } from "./harness/random-client.ts";
import { snapshotOf } from "./harness/snapshot.ts";

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 2);
const deedsPerRound = 4;

test("whatever is killed or frozen, the log has what clients were told, and the instance has what the log says", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds}`);
  const system = await startChaosSystem(t);
  for (let round = 0; round < rounds; round++) await playRound(t, system, seed + round);
});

async function playRound(t: TestContext, system: ChaosSystem, seed: number): Promise<void> {
  const random = new Random(seed);
  const first = await freshStart(system);
  const client = new RandomClient(sendTo(system.gateway.url), random);
  const nemesis = new Nemesis(system, new Random(seed + 1));
  let isOver = false;
  const sending = (async () => {
    while (!isOver) await client.next();
  })();
  try {
    for (let deed = 0; deed < deedsPerRound; deed++) {
      await sleep(random.integer(600));
      await nemesis.strike();
    }
  } finally {
    isOver = true;
    await sending;
  }
  await untilApplied(system);
  const played = await system.truth.play(first);
  const about = `CHAOS_SEED=${seed} CHAOS_ROUNDS=1: ${nemesis.deeds.join("; ")}`;
  checkTold(client, played, about);
  const models = new Set(played.models);
  const found = await snapshotOf(system.instance, models);
  assert.deepEqual(found, await snapshotOf(played.instance, models), about);
  t.diagnostic(
    `${client.told.length} requests, ${played.commands.size} commands: ${nemesis.deeds.join("; ")}`,
  );
}
