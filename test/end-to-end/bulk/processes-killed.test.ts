import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { assertWholeBatches } from "../../fixtures/batches.ts";
import {
  assertApplied,
  linesOfTexts,
  ndjson,
  openUpload,
  texts,
  untilDone,
  withStreams,
} from "../../fixtures/bulk.ts";
import type { OpenRequest, Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { viewOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
let gateway: Service;
/** To the second gateway. */
let other: Send;
/** Where the log ended when the test began. */
let base = 0;
before(async () => {
  system = await startSystem({ gateways: 2, workerEnv: { LEASE_MS: "1000" } });
  gateway = system.gateway;
  const [, second] = system.gateways;
  assert.ok(second);
  other = sendTo(second.url);
});
after(() => system?.stop());
beforeEach(async () => {
  if (!gateway.isRunning()) await gateway.restart();
  await until("working memory is empty", async () => {
    const { status, headers } = await system.request("POST", "/p1/clear-working-memory");
    base = Number(headers["kato-sequence"]);
    return status === 200;
  });
});

const open = (query = "", headers: Record<string, string> = {}): OpenRequest =>
  openUpload(gateway.url, `/p1/observations${query}`, headers);

const post = (all: string[], headers: Record<string, string> = {}) =>
  system.request("POST", "/p1/observations", linesOfTexts(all), { ...ndjson, ...headers });

async function untilApplied(location: unknown, count: number): Promise<void> {
  await until(`${count} are applied`, async () => {
    const { json, text } = await system.request("GET", String(location));
    if (Number(json.applied) >= count) return true;
    throw new Error(text);
  });
}

/** The log's last sequence, as a gateway knows it. */
async function storedOf(send: Send): Promise<number> {
  return (await viewOf(send)).last;
}

/** How many commands are applied since the test began. */
async function appliedOf(send: Send): Promise<number> {
  return (await viewOf(send)).applied - base;
}

test("with the worker killed twice in an ingestion each line is applied once and counted once (A2, A3)", async () => {
  const all = texts(450);
  const { headers } = await post(all);
  for (const count of [100, 250]) {
    await untilApplied(headers.location, count);
    await system.worker.kill();
    await system.worker.restart();
  }
  await assertApplied(system.request, String(headers.location), all);
});

test("with the instance killed twice in an ingestion each line is applied once and counted once (A2, A3)", async () => {
  const all = texts(400);
  const { headers } = await post(all);
  for (const count of [100, 230]) {
    await untilApplied(headers.location, count);
    await system.simulator.kill();
    await system.simulator.restart();
  }
  await assertApplied(system.request, String(headers.location), all);
});

test("the counts of an ingestion outlive the time at which the worker lays it aside, also when its request goes on later", async () => {
  const all = texts(30);
  const key = { "idempotency-key": "laid-aside", accept: "application/x-ndjson" };
  const first = open("", key);
  const { location } = (await first.head).headers;
  await first.write(linesOfTexts(all.slice(0, 10)));
  await untilApplied(location, 10);
  first.request.destroy();
  await until("it is laid aside", async () => (await checkpointOf()).includes('"ingestions":{}'));
  await system.worker.kill();
  await system.worker.restart();
  assert.deepEqual((await untilDone(system.request, String(location))).applied, 10);
  assert.equal((await post(all, { "idempotency-key": "laid-aside" })).json.accepted, 30);
  await assertApplied(system.request, String(location), all);
});

async function checkpointOf(): Promise<string> {
  return withStreams(system.nats.url, async (streams) => {
    const message = await streams.getMessage("KV_kato-checkpoints", {
      last_by_subj: "$KV.kato-checkpoints.p1",
    });
    return Buffer.from(message?.data ?? []).toString();
  });
}

test("a stream whose gateway was killed is sent again under its key to another one, and each line is stored once", async (t) => {
  // JetStream forgets what it has stored at once, as it does after two minutes.
  await withStreams(system.nats.url, async (streams) => {
    const { config } = await streams.info("KATO_p1");
    await streams.update("KATO_p1", { ...config, duplicate_window: 100_000_000 });
    t.after(() => withStreams(system.nats.url, (streams) => streams.update("KATO_p1", config)));
  });
  const all = texts(800);
  const body = linesOfTexts(all);
  const headers = { "idempotency-key": "again" };
  const first = open("?learn=end", headers);
  await first.write(body.slice(0, body.length / 2));
  await until("some of it is stored", async () => (await storedOf(other)) > base + 200);
  const underWay = await other("POST", "/p1/observations?learn=end", body, { ...ndjson, ...headers });
  assert.equal(underWay.status, 409);
  await gateway.kill();

  const post = () => other("POST", "/p1/observations?learn=end", body, { ...ndjson, ...headers });
  const { status, json, text } = await post();
  assert.equal(status, 202, text);
  assert.deepEqual([json.accepted, json.learn_sequence], [800, Number(json.last_sequence) + 1]);
  const replay = await post();
  assert.deepEqual([replay.status, replay.text], [202, text]);
  assert.equal(replay.headers["idempotency-replayed"], "true");
  const changed = await other("POST", "/p1/observations?learn=end", body.replace("t0000777", "x0000777"), {
    ...ndjson,
    ...headers,
  });
  assert.equal(changed.status, 422);
  assert.equal(
    await withStreams(system.nats.url, async (streams) => (await streams.info("KATO_p1")).state.last_seq),
    base + 801,
  );
  const view = await untilDone(other, `/p1/ingestions/${json.ingestion}`);
  assert.deepEqual([view.applied, view.learn], [800, "applied"]);
});

test("the counts of an ingestion whose gateway died become final although nobody sends it again", async () => {
  const stream = open("", { accept: "application/x-ndjson" });
  const { location } = (await stream.head).headers;
  const all = texts(200);
  await stream.write(linesOfTexts(all));
  await until("all is applied", async () => (await appliedOf(other)) === 200);
  await gateway.kill();
  const view = await untilDone(other, String(location));
  assert.deepEqual([view.intake, view.accepted, view.applied], ["interrupted", 200, 200]);
});

test("of a stream whose gateway is killed each batch is stored whole or not at all, and its counts are what is stored", async () => {
  const stream = open("", { accept: "application/x-ndjson" });
  const { location } = (await stream.head).headers;
  const all = texts(2_000);
  const writing = stream.write(linesOfTexts(all)).catch(() => {});
  await until("some of it is stored", async () => (await storedOf(other)) > base + 200);
  await gateway.kill();
  await writing;
  const { accepted, intake } = await untilDone(other, String(location));
  assert.equal(intake, "interrupted");
  const connection = await connect({ servers: system.nats.url });
  await assertWholeBatches(connection, "p1");
  const { messages, last_seq } = (await (await jetstreamManager(connection)).streams.info("KATO_p1")).state;
  await connection.close();
  assert.ok(messages > 0);
  assert.equal(accepted, last_seq - base);
});

test("lines for a processor that nobody runs and whose instance is down are stored, and applied later", async () => {
  await system.simulator.kill();
  await system.worker.stop();
  const all = texts(200);
  const { status, headers, json } = await post(all);
  assert.equal(status, 202);
  const { state, applied } = (await system.request("GET", String(headers.location))).json;
  assert.deepEqual([state, applied, json.accepted], ["queued", 0, 200]);
  await system.worker.restart();
  await system.simulator.restart();
  await assertApplied(system.request, String(headers.location), all);
});

test("a gateway that is told to stop answers an upload with what is stored, and ends with 0", async () => {
  const stream = open();
  await stream.write(linesOfTexts(texts(10)));
  await until("it is applied", async () => (await appliedOf(other)) === 10);
  const stopped = gateway.stop();
  const { status, json } = await stream.answer();
  assert.deepEqual([status, json.accepted, json.retryable], [503, 10, true]);
  assert.equal(await stopped, "exit code 0");
  const view = await untilDone(other, `/p1/ingestions/${json.ingestion}`);
  assert.deepEqual([view.intake, view.accepted], ["interrupted", 10]);
});
