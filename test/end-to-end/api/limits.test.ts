import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const mebibyte = 1024 * 1024;

let system: SystemHere;
before(async () => {
  system = await startSystemHere({ processors: [{ id: "p1" }, { id: "p2" }] });
});
after(() => system?.stop());

const observe = (strings: string[], id = "p1") => system.request("POST", `/${id}/observe`, { strings });

test("an observation of almost 4 MiB is taken, a larger one is a 413 that tells the limit", async () => {
  assert.equal((await observe(["x".repeat(4 * mebibyte - 1_000)])).status, 200);
  const { status, headers, json } = await observe(["x".repeat(4 * mebibyte)]);
  assert.equal(status, 413);
  assert.match(headers["content-type"] ?? "", /^application\/problem\+json/);
  assert.match(String(json.detail), /4194304/);
  assert.equal(json.effect, "none");
  assert.equal((await system.request("GET", "/p1/time")).json.message, 1);
});

test("an answer larger than 4 MiB is a 502 that says so, and the processor goes on", async () => {
  assert.equal((await observe(["y".repeat(2 * mebibyte)])).status, 200);
  const { status, json } = await system.request("GET", "/p1/working-memory");
  assert.equal(status, 502);
  assert.match(String(json.type), /answer-too-large/);
  assert.equal(json.effect, "none");
  assert.match(String(json.detail), /\d{6,}/);
  assert.equal((await system.request("POST", "/p1/clear-working-memory")).status, 200);
  assert.deepEqual((await system.request("GET", "/p1/working-memory")).json.message, []);
});

test("an observation of many strings keeps them all, in order", async () => {
  const strings = Array.from({ length: 50_000 }, (_, index) => String(index).padStart(6, "0"));
  assert.equal((await observe(strings.toReversed(), "p2")).status, 200);
  assert.deepEqual((await system.request("GET", "/p2/working-memory")).json.message, [strings]);
});

test("where NATS takes smaller messages than KATO, its limit counts for requests and answers", async (t) => {
  const small = await startSystemHere({ nats: ["max_payload: 65536"] });
  t.after(() => small.stop());
  const send = (size: number) =>
    small.request("POST", "/p1/observe", { strings: ["x".repeat(size)] }, { prefer: "wait=5" });
  const tooLarge = await send(65_536);
  assert.equal(tooLarge.status, 413);
  assert.equal(tooLarge.json.effect, "none");
  assert.match(String(tooLarge.json.detail), /limit/);
  for (let count = 0; count < 2; count++) assert.equal((await send(50_000)).status, 200);
  const { status, json } = await small.request("GET", "/p1/working-memory");
  assert.equal(status, 502);
  assert.match(String(json.detail), /6\d{4}/);
});

test("while the command log is full every command is a 429 and nothing is stored; with room again it goes on", async (t) => {
  const env = { LOG_MAX_BYTES: "20000", LOG_TRIM_MS: "100" };
  const small = await startSystemHere({ gatewayEnv: env, workerEnv: env });
  t.after(() => small.stop());
  const connection = await connect({ servers: small.nats.url });
  t.after(() => connection.close());
  const { streams } = await jetstreamManager(connection);
  const state = async () => (await streams.info("KATO_p1")).state;
  const observation = { strings: ["x".repeat(5_000)] };
  const observe = (headers?: Record<string, string>) =>
    small.request("POST", "/p1/observe", observation, headers);
  const bulk = (headers: Record<string, string>) =>
    small.request("POST", "/p1/observations?learn=end", { observations: [observation] }, headers);
  let stored = 0;
  while ((await observe()).status === 200) assert.ok(++stored < 5);
  const full = await state();

  const sync = { "idempotency-key": "sync" };
  const async = { "idempotency-key": "async", prefer: "respond-async" };
  const line = `${JSON.stringify(observation)}\n`;
  for (const refused of [
    await observe(),
    await observe(sync),
    await observe(async),
    await bulk({ "idempotency-key": "bulk" }),
    await small.request("POST", "/p1/observations", line, { "content-type": "application/x-ndjson" }),
    await small.request("POST", "/p1/observe-sequence", { observations: [observation], learn_at_end: true }),
  ]) {
    const { status, headers, json, text } = refused;
    assert.equal(status, 429, text);
    assert.equal(json.type, "urn:kato:problem:log-full");
    assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
    assert.equal(headers.ratelimit, `"log";r=0;t=${headers["retry-after"]}`);
    assert.deepEqual([json.effect, json.retryable, json.accepted ?? 0], ["none", true, 0]);
  }
  assert.deepEqual(await state(), full, "something of it was stored");
  const receipts = await bulk({ accept: "application/x-ndjson" });
  assert.equal(receipts.text.trim().split("\n").length, 1);
  assert.equal(JSON.parse(receipts.text).retryable, true);
  assert.deepEqual(await state(), full);
  assert.equal((await small.request("GET", "/p1/ping")).status, 200);

  // What was learned is not needed any more, and a history gives way.
  const learned = await small.request("POST", "/p1/learn");
  assert.equal(learned.status, 200, learned.text);
  await until("there is room", async () => (await state()).messages <= 1);
  const first = await observe(sync);
  assert.deepEqual([first.status, first.headers["idempotency-replayed"]], [200, undefined]);
  const second = await observe(async);
  assert.deepEqual([second.status, second.headers["idempotency-replayed"]], [202, undefined]);
  assert.equal((await bulk({ "idempotency-key": "bulk" })).json.accepted, 1);
  await until("all is applied", async () => {
    const { message } = (await small.request("GET", "/p1/time")).json;
    return message === stored + 3;
  });
});
