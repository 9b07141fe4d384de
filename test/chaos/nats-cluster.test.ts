import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { streamOf } from "../../libs/commands/messages/subjects.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { KatoClient } from "../fixtures/kato-client.ts";
import { startReplicatedSystem } from "../fixtures/replicated-system.ts";
import { partsHere } from "../fixtures/system-here.ts";
import { until } from "../fixtures/until.ts";
import { whyNoReplicas } from "../fixtures/why-no-replicas.ts";
import { Random } from "../unit/worker/crash-schedules/random.ts";
import { freshStart, processor, untilApplied } from "./harness/chaos-system.ts";
import { checkTold } from "./harness/check-told.ts";
import { LogTruth } from "./harness/log-truth.ts";
import { RandomClient } from "./harness/random-client.ts";
import { snapshotOf } from "./harness/snapshot.ts";

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 1);
const recoveryLimitMs = 60_000;

test("with three replicas nothing acknowledged is lost or doubled: the leader is killed, then two of three", {
  skip: whyNoReplicas(),
}, async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds}`);
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const { nats, simulator, gateway, request } = await startReplicatedSystem(stack, processor, partsHere);
  const truth = await LogTruth.open(nats.url, processor);
  t.after(() => truth.close());
  const instance = new KatoClient(`127.0.0.1:${simulator.port}`, { waitForReady: true });
  t.after(() => instance.close());

  const observe = () => request("POST", `/${processor}/observe`, { strings: ["x"] });
  const isDone = async () => (await observe()).status === 200;
  const untilDone = () => until("a command is done", isDone, recoveryLimitMs);
  for (let round = 0; round < rounds; round++) {
    const about = `CHAOS_SEED=${seed + round} CHAOS_ROUNDS=1`;
    const random = new Random(seed + round);
    const first = await freshStart({ truth, request });
    const client = new RandomClient(sendTo(gateway.url), random);
    let isOver = false;
    const sending = (async () => {
      while (!isOver) await client.next();
    })();
    try {
      await sleep(random.integer(500));
      const leader = await nats.leaderOf(streamOf(processor));
      await leader.kill();
      await untilDone();
      await leader.restart();
      await nats.untilWhole();

      await sleep(random.integer(500));
      const away = nats.nodes.toSpliced(random.integer(nats.nodes.length), 1);
      await Promise.all(away.map((node) => node.kill()));
      await until("it is said that nothing can be stored", async () => {
        const { status, json } = await observe();
        return status === 503 && /NATS|JetStream/.test(String(json.detail));
      });
      await Promise.all(away.map((node) => node.restart()));
      await untilDone();
    } finally {
      isOver = true;
      await sending;
    }
    await untilApplied({ truth, request }, recoveryLimitMs);
    // What has just come back may not answer at once.
    const played = await until("the log is read", () => truth.play(first));
    checkTold(client, played, about);
    const models = new Set(played.models);
    assert.deepEqual(await snapshotOf(instance, models), await snapshotOf(played.instance, models), about);
    assert.doesNotMatch(gateway.output(), /the gateway failed on a request/, about);
    t.diagnostic(`${client.told.length} requests, ${played.commands.size} commands`);
  }
});
