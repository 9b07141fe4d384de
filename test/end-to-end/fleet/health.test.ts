import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventsOf, untilState, viewOf } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
const data = temporaryFolder({ after });
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
});

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const view = (id: string) => viewOf(system.request, id);
const untilP1Is = (state: string) => untilState(system.request, "p1", state);
const observeAsync = (id: string, text: string) =>
  send("POST", `/${id}/observe`, { strings: [text] }, { prefer: "respond-async" });

test("an idle instance that hangs is down, and is ready when it goes on", async () => {
  await system.succeed("POST", "/p1/observe", { strings: ["a"] });
  await system.simulator.kill("SIGSTOP");
  await untilP1Is("down");
  const { reason, since, healthy } = await view("p1");
  assert.equal(reason, "its instance does not answer");
  assert.equal(healthy, false);
  assert.ok(Date.parse(since) <= Date.now());
  const refused = await send("POST", "/p1/observe", { strings: ["b"] });
  assert.deepEqual([refused.status, refused.json.effect], [503, "none"]);
  assert.ok(Number(refused.headers["retry-after"]) >= 1);
  await system.simulator.kill("SIGCONT");
  await untilP1Is("ready");
  assert.deepEqual(await eventsOf(system.request), ["a"]);
});

test("a Learn whose instance hangs before it has read the call was not started, and its record says the same", async () => {
  await system.succeed("POST", "/p1/observe", { strings: ["a"] });
  await system.simulator.kill("SIGSTOP");
  const late = await send("POST", "/p1/learn", undefined, { prefer: "wait=1" });
  assert.deepEqual([late.status, late.json.effect], [504, "none"], late.text);
  await system.simulator.kill("SIGCONT");
  await untilP1Is("ready");
  const path = `/p1/commands/${late.json.command}`;
  await until("its record is there", async () => (await send("GET", path)).json.state === "expired");
  assert.deepEqual(await eventsOf(system.request), ["a", "a"]);
});

test("a busy instance is not down", async () => {
  const queued = await observeAsync("p2", "slow");
  const states = new Set<string>();
  await until("it is applied", async () => {
    states.add((await view("p2")).state);
    return (await send("GET", String(queued.headers.location))).json.state === "applied";
  });
  assert.ok(states.has("applying"));
  assert.ok(!states.has("down"), [...states].join());
});

test("while its database is away a processor is down, and queued commands wait instead of failing", async () => {
  await system.succeed("POST", "/p1/clear-working-memory");
  writeFileSync(mongoAway, "");
  // Where one fails it is known at once. Otherwise an idle instance is asked only now and then.
  const first = await observeAsync("p1", "fails");
  await untilP1Is("down");
  assert.match(String((await view("p1")).reason), /database fails: .*connection refused/);
  const queued = await Promise.all(["c", "d"].map((text) => observeAsync("p1", text)));
  for (const { status } of queued) assert.equal(status, 202);
  assert.equal((await send("POST", "/p1/observe", { strings: ["e"] })).status, 503);
  await until("they are seen to wait", async () => (await view("p1")).depth > 0);
  rmSync(mongoAway);
  await untilP1Is("ready");
  await until("all is applied", async () => (await view("p1")).depth === 0);
  assert.deepEqual((await eventsOf(system.request)).slice(-2), ["c", "d"]);
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
