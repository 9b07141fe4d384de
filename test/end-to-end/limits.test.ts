import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../fixtures/system.ts";
import { startSystem } from "../fixtures/system.ts";

const mebibyte = 1024 * 1024;

let system: System;
before(async () => {
  system = await startSystem({ processors: [{ id: "p1" }, { id: "p2" }] });
});
after(() => system?.stop());

const observe = (strings: string[], id = "p1") => system.request("POST", `/${id}/observe`, { strings });

test("an observation of almost 4 MiB goes through, one of more is a 413 that tells the limit", async () => {
  assert.equal((await observe(["x".repeat(4 * mebibyte - 1_000)])).status, 200);
  const { status, headers, json } = await observe(["x".repeat(4 * mebibyte)]);
  assert.equal(status, 413);
  assert.match(headers["content-type"] ?? "", /^application\/problem\+json/);
  assert.match(String(json.detail), /4194304/);
  assert.equal(json.effect, "none");
  assert.equal((await system.request("GET", "/p1/time")).json.message, 1);
});

test("an answer larger than 4 MiB is a 502 that tells so, and the processor goes on", async () => {
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

test("where NATS takes less than KATO, its limit counts, for requests and for answers", async (t) => {
  const small = await startSystem({ nats: ["max_payload: 65536"] });
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

test("a full command log is a 429 with Retry-After", async (t) => {
  const small = await startSystem({
    gatewayEnv: { LOG_MAX_BYTES: "20000" },
    workerEnv: { LOG_MAX_BYTES: "20000" },
  });
  t.after(() => small.stop());
  let answer = await small.request("POST", "/p1/observe", { strings: ["x".repeat(5_000)] });
  for (let count = 0; count < 5 && answer.status === 200; count++) {
    answer = await small.request("POST", "/p1/observe", { strings: ["x".repeat(5_000)] });
  }
  assert.equal(answer.status, 429);
  assert.match(answer.headers["retry-after"] ?? "", /^[1-9]\d*$/);
  assert.equal(answer.json.effect, "none");
  assert.equal(answer.json.retryable, true);
  assert.equal((await small.request("GET", "/p1/ping")).status, 200);
});
