import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sender } from "../fixtures/system.ts";
import { Random } from "../unit/recovery/random.ts";
import { Client } from "./world/client.ts";
import type { Cluster } from "./world/cluster.ts";
import { startCluster, untilApplied } from "./world/cluster.ts";
import type { Played } from "./world/log-truth.ts";
import { Nemesis } from "./world/nemesis.ts";

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 2);
const deedsPerRound = 4;

test("order, no-loss, no-double-effect: what is killed or frozen, the log is what was told and the instance what the log says", async (t) => {
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
  const found = await cluster.instance.snapshot(models);
  assert.deepEqual(found, await played.instance.snapshot(models), about);
  t.diagnostic(
    `${client.told.length} requests, ${played.commands.size} commands: ${nemesis.deeds.join("; ")}`,
  );
}

/** The sequence of the ClearAllMemory with which a round begins. */
async function freshStart(cluster: Cluster): Promise<number> {
  await untilApplied(cluster);
  for (const [path, body] of [
    ["/genes/change", { data: { max_sequence_length: 0, recall_threshold: 0.1 } }],
    ["/start-predicting", undefined],
    ["/clear-all-memory", undefined],
  ] as const) {
    const answer = await cluster.request("POST", `/p1${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    if (path === "/clear-all-memory") return Number(answer.headers["kato-sequence"]);
  }
  return 0;
}

/** What was answered stands in the log once, and what was told to have no effect does not. */
function checkTold({ told }: Client, { commands }: Played, about: string): void {
  const inLog = [...commands.values()].flatMap(({ uniqueIds }) => uniqueIds);
  assert.equal(new Set(inLog).size, inLog.length, `no observation stands in the log twice: ${about}`);
  let sequence = 0;
  for (const one of told) {
    if (one.uniqueId && one.effect !== "unknown") {
      assert.equal(inLog.includes(one.uniqueId), one.effect === "done", `${JSON.stringify(one)}: ${about}`);
    }
    if (one.effect !== "done") continue;
    assert.ok(one.sequence > sequence, `${JSON.stringify(one)} comes after ${sequence}: ${about}`);
    sequence = one.sequence;
    const command = commands.get(sequence);
    assert.ok(command, `${sequence} stands in the log: ${about}`);
    if (one.interval !== undefined)
      assert.equal(one.interval, command.interval, `${JSON.stringify(one)}: ${about}`);
  }
}
