import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer } from "../../fixtures/http-client.ts";
import { eventsOf, untilState, viewOf } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
before(async () => {
  system = await startSystem({
    workerEnv: { LEASE_MS: "1000" },
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "600" }),
  });
});
after(() => system?.stop());

const observe = (text: string, prefer = "wait=20") =>
  system.request("POST", "/p1/observe", { strings: [text] }, { prefer });
const clear = () => system.succeed("POST", "/p1/clear-all-memory");
const events = () => eventsOf(system.request);
const isUsable = async () => (await viewOf(system.request)).healthy;
const assertNotOwned = ({ status, headers, json }: Answer) => {
  assert.equal(status, 503);
  assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
  assert.equal(json.effect, "none");
  assert.equal(json.retryable, true);
};

test("a worker that is told to stop finishes the command that it has begun, and ends with 0", async () => {
  assert.equal((await observe("before")).status, 200);
  await until("the gateway knows that it is applied", async () => {
    const { state, applied } = await viewOf(system.request);
    return state === "ready" && applied === 1;
  });
  const begun = observe("begun");
  await untilState(system.request, "p1", "applying");
  assert.equal(await system.worker.stop(), "exit code 0");
  const { status, text } = await begun;
  assert.equal(status, 200, text);
});

test("without a worker queries are refused at once, and commands as soon as the gateway misses its reports", async () => {
  assertNotOwned(await system.request("GET", "/p1/working-memory"));
  await until(
    "a command is refused",
    async () => (await observe("nobody's", "wait=0")).status === 503,
    5_000,
  );
  assertNotOwned(await observe("nobody's", "wait=60"));
  const { state, healthy } = await viewOf(system.request);
  assert.deepEqual({ state, healthy }, { state: "unowned", healthy: false });
  assert.equal((await system.request("GET", "/ready")).status, 200);
});

test("the next worker applies nothing again, and nothing that was refused", async () => {
  await system.worker.restart();
  await until("it works", isUsable);
  assert.equal((await observe("after")).status, 200);
  assert.deepEqual(await events(), ["before", "begun", "after"]);
});

test("commands that wait when a worker stops are applied by the next one, in order and once", async () => {
  await clear();
  const texts = ["1", "2", "3", "4", "5"];
  const answers = texts.map((text) => observe(text));
  await until(
    "the first is applied",
    async () => Number((await system.request("GET", "/p1/time")).json.message) > 0,
  );
  assert.equal(await system.worker.stop(), "exit code 0");
  await system.worker.restart();
  const sequences = new Map<string, number>();
  for (const [index, answer] of (await Promise.all(answers)).entries()) {
    assert.equal(answer.status, 200, answer.text);
    sequences.set(texts[index] ?? "", Number(answer.headers["kato-sequence"]));
  }
  const inOrder = texts.toSorted((a, b) => (sequences.get(a) ?? 0) - (sequences.get(b) ?? 0));
  await until("it works", isUsable);
  assert.deepEqual(await events(), inOrder);
});

test("when the worker is killed, answers are a 503 or say that the effect is unknown", async () => {
  await clear();
  await system.worker.kill();
  const answers = await Promise.all([
    observe("x", "wait=1"),
    observe("y", "wait=1"),
    system.request("GET", "/p1/ping"),
  ]);
  for (const { status, json } of answers) {
    const isTold =
      (status === 503 && json.effect === "none") || (status === 504 && json.effect === "unknown");
    assert.ok(isTold, `${status} ${json.effect}`);
  }
  assertNotOwned(await system.request("GET", "/p1/ping"));
  await system.worker.restart();
  await until("it works", isUsable);
  assert.equal((await observe("z")).status, 200);
  assert.deepEqual(await events(), ["z"], "commands whose time was over were applied");
});
