import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sender } from "../fixtures/http-client.ts";
import { Random } from "../unit/worker/crash-schedules/random.ts";
import { checkTold } from "./harness/check-told.ts";
import { Client } from "./harness/client.ts";
import type { Cluster } from "./harness/cluster.ts";
import { freshStart, startCluster, untilApplied } from "./harness/cluster.ts";
import { Nemesis } from "./harness/nemesis.ts";
import { snapshotOf } from "./harness/snapshot.ts";

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 2);
const deedsPerRound = 4;

test("whatever is killed or frozen, the log has what clients were told, and the instance has what the log says", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds}`);
  const cluster = await startCluster(t);
  for (let round = 0; round < rounds; round++) await playRound(t, cluster, seed + round);
});

async function playRound(t: TestContext, cluster: Cluster, seed: number): Promise<void> {
  const random = new Random(seed);
  const first = await freshStart(cluster);
  const client = new Client(sender(cluster.gateway.url), random);
  const nemesis = new Nemesis(cluster, new Random(seed + 1));
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
  await untilApplied(cluster);
  const played = await cluster.truth.play(first);
  const about = `CHAOS_SEED=${seed} CHAOS_ROUNDS=1: ${nemesis.deeds.join("; ")}`;
  checkTold(client, played, about);
  const models = new Set(played.models);
  const found = await snapshotOf(cluster.instance, models);
  assert.deepEqual(found, await snapshotOf(played.instance, models), about);
  t.diagnostic(
    `${client.told.length} requests, ${played.commands.size} commands: ${nemesis.deeds.join("; ")}`,
  );
}
