import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { OutcomeStore, recordOf } from "../../libs/commands/outcomes/outcome-store.ts";
import { encodeRequest } from "../../libs/kato/codec.ts";
import type { Send } from "../fixtures/http-client.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { eventsOf } from "../fixtures/processors.ts";
import type { System } from "../fixtures/system.ts";
import { startSystem } from "../fixtures/system.ts";
import { until } from "../fixtures/until.ts";

let system: System;
before(async () => {
  system = await startSystem({
    gateways: 2,
    workerEnv: { LEASE_MS: "1000" },
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "40" }),
  });
});
after(() => system?.stop());

const keys = Array.from({ length: 70 }, (_, index) => `key-${index}`);
const events = () => until("working memory can be read", () => eventsOf(system.request));
const observe = (send: Send, key: string, prefer = "wait=2") =>
  send("POST", "/p1/observe", { strings: [key] }, { "idempotency-key": key, prefer });

test("while gateways and workers are killed again and again every key is applied once and answered", async () => {
  const sends = system.gateways.map(({ url }) => sendTo(url));
  let isOver = false;
  const killing = (async () => {
    for (let round = 0; !isOver; round++) {
      await sleep(200 + Math.random() * 600);
      const victim = round % 3 === 0 ? system.worker : system.gateways[round % 2];
      await victim?.kill();
      await victim?.restart();
    }
  })();
  const sendUntilAnswered = async (key: string) => {
    const limit = Date.now() + 90_000;
    for (let attempt = 0; Date.now() < limit; attempt++) {
      const send = sends[Math.floor(Math.random() * sends.length)] as Send;
      const prefer = attempt % 4 === 3 ? "respond-async" : "wait=1";
      const answer = await observe(send, key, prefer).catch(() => undefined);
      if (answer?.status === 200) return;
      assert.ok(answer === undefined || [202, 409, 503, 504].includes(answer.status), answer?.text);
      await sleep(Math.random() * 200);
    }
    assert.fail(`${key} was never answered`);
  };
  const left = [...keys];
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let key = left.shift(); key !== undefined; key = left.shift()) await sendUntilAnswered(key);
    }),
  );
  isOver = true;
  await killing;
  assert.deepEqual((await events()).toSorted(), keys.toSorted());
  for (const key of keys)
    assert.equal((await observe(system.request, key)).headers["idempotency-replayed"], "true");
  assert.equal((await events()).length, keys.length);
});

test("a key is answered although its gateway died between claiming it and hearing that the log has the command", async () => {
  const connection = await connect({ servers: system.nats.url });
  try {
    const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
    const outcomes = await OutcomeStore.open(connection, 1);

    for (const isInLog of [false, true]) {
      const key = `died ${isInLog}`;
      const body = { strings: [key], unique_id: key };
      const repeat = () => system.request("POST", "/p1/observe", body, { "idempotency-key": key });
      const first = await system.request("POST", "/p1/observe", body, {
        "idempotency-key": key,
        prefer: "wait=5",
      });
      const id = String(first.headers["kato-command"]);
      const complete = await outcomes.find("p1", id);
      const { fingerprint = "" } = complete?.record.once ?? {};
      await system.succeed("POST", "/p1/clear-working-memory");
      const command = {
        id,
        processor: "p1",
        method: "Observe",
        data: encodeRequest("Observe", body),
        store: true,
        once: { fingerprint, attempt: `died${isInLog}` },
      };
      const claim = (heldUntilMs: number) => recordOf(command, "queued", 0, { heldUntilMs });
      await outcomes.put("p1", claim(Date.now() + 600_000));
      assert.equal((await repeat()).status, 409, "it may still be at it");
      await outcomes.put("p1", claim(Date.now() - 1));
      // It is there twice, as if a second gateway had sent it too because it did not know.
      const attempts = isInLog ? ["first", "second"] : [];
      for (const attempt of attempts) await logs.append({ ...command, once: { fingerprint, attempt } });
      let answer = await repeat();
      await until("it is answered", async () => {
        answer = await repeat();
        return answer.status === 200;
      });
      assert.deepEqual(await events(), [key]);
    }
  } finally {
    await connection.close();
  }
});
