import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
const data = mkdtempSync(join(tmpdir(), "health-"));
const mongoAway = join(data, "mongodb-away");
before(async () => {
  system = await startSystem({
    processors: [{ id: "p1" }, { id: "p2" }],
    simulatorEnv: (id) => (id === "p1" ? { SIMULATOR_DATA: data } : { SIMULATOR_DELAY_MS: "5000" }),
  });
});
after(async () => {
  for (const process of [...(system?.simulators ?? []), system?.nats]) await process?.kill("SIGCONT");
  await system?.stop();
  rmSync(data, { recursive: true });
});

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const entryOf = async (id: string) => (await send("GET", `/processors/${id}`)).json;
const untilState = (id: string, state: string) =>
  until(`it is ${state}`, async () => (await entryOf(id)).state === state);
const observeAsync = (id: string, text: string) =>
  send("POST", `/${id}/observe`, { strings: [text] }, { prefer: "respond-async" });

test("an idle instance that hangs is down, and ready when it goes on", async () => {
  const [instance] = system.simulators;
  await send("POST", "/p1/observe", { strings: ["a"] });
  await instance?.kill("SIGSTOP");
  await untilState("p1", "down");
  const { reason, since, healthy } = await entryOf("p1");
  assert.equal(reason, "its instance does not answer");
  assert.equal(healthy, false);
  assert.ok(Date.parse(String(since)) <= Date.now());
  const refused = await send("POST", "/p1/observe", { strings: ["b"] });
  assert.deepEqual([refused.status, refused.json.effect], [503, "none"]);
  assert.ok(Number(refused.headers["retry-after"]) >= 1);
  await instance?.kill("SIGCONT");
  await untilState("p1", "ready");
  assert.deepEqual((await send("GET", "/p1/working-memory")).json.message, [["a"]]);
});

test("a busy instance is not down", async () => {
  const queued = await observeAsync("p2", "slow");
  const states = new Set<unknown>();
  await until("it is applied", async () => {
    states.add((await entryOf("p2")).state);
    await sleep(50);
    return (await send("GET", String(queued.headers.location))).json.state === "applied";
  });
  assert.ok(states.has("applying"));
  assert.ok(!states.has("down"), [...states].join());
});

test("while its database is away a processor is down, and what is queued waits instead of failing", async () => {
  await send("POST", "/p1/clear-working-memory");
  writeFileSync(mongoAway, "");
  // One has to fail for it to be known at once; an idle instance is asked now and then.
  const first = await observeAsync("p1", "fails");
  await untilState("p1", "down");
  assert.match(String((await entryOf("p1")).reason), /database fails: .*connection refused/);
  const queued = await Promise.all(["c", "d"].map((text) => observeAsync("p1", text)));
  for (const { status } of queued) assert.equal(status, 202);
  assert.equal((await send("POST", "/p1/observe", { strings: ["e"] })).status, 503);
  await until("they are seen to wait", async () => Number((await entryOf("p1")).depth) > 0);
  rmSync(mongoAway);
  await untilState("p1", "ready");
  await until("all is applied", async () => (await entryOf("p1")).depth === 0);
  const events = (await send("GET", "/p1/working-memory")).json.message as string[][];
  assert.deepEqual(events.slice(-2), [["c"], ["d"]]);
  const { dead_letters } = (await send("GET", "/processors/p1/dead-letters")).json as {
    dead_letters: { command: string }[];
  };
  assert.deepEqual(
    dead_letters.map(({ command }) => command),
    [first.json.command],
  );
});

test("a gateway whose JetStream does not answer is not ready", async () => {
  assert.equal((await send("GET", "/ready")).status, 200);
  await system.nats.kill("SIGSTOP");
  await until("it is not ready", async () => (await send("GET", "/ready")).status === 503);
  assert.equal((await send("GET", "/health")).status, 200, "it is alive");
  await system.nats.kill("SIGCONT");
  await until("it is ready", async () => (await send("GET", "/ready")).status === 200);
});
