import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

/** How long a call to the slow instance takes: more than the shortest wait. */
const delayMs = 2_000;

let system: System;
before(async () => {
  system = await startSystem({
    processors: [{ id: "quick" }, { id: "slow" }],
    simulatorEnv: (id) => (id === "slow" ? { SIMULATOR_DELAY_MS: String(delayMs) } : {}),
  });
});
after(() => system?.stop());

const observe = (id: string, text: string, prefer?: string) =>
  system.request("POST", `/${id}/observe`, { strings: [text] }, prefer === undefined ? {} : { prefer });
const workingMemory = async (id: string) =>
  (await system.request("GET", `/${id}/working-memory`)).json.message;
const untilIdle = (id: string) =>
  until(`${id} has nothing to do`, async () => {
    const { json } = await system.request("GET", `/processors/${id}`);
    return json.state === "ready" && json.depth === 0;
  });

test("the wait that was applied is told, also where it was cut to 300 s", async () => {
  for (const [prefer, applied] of [
    ["wait=5", "wait=5"],
    ["wait=300", "wait=300"],
    ["wait=301", "wait=300"],
    ["wait=99999999999999999999999", "wait=300"],
    ["WAIT = 5", "wait=5"],
    ['handling=lenient, wait="7"', "wait=7"],
    ["wait=2;x=y", "wait=2"],
  ] as const) {
    for (const answer of [
      await observe("quick", "a", prefer),
      await system.request("GET", "/quick/ping", undefined, { prefer }),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["preference-applied"], applied, prefer);
    }
  }
});

test("a preference that cannot be read is ignored", async () => {
  for (const prefer of ["wait=soon", "wait=-1", "wait=1.5", "wait", "handling=strict", "wait=0x10"]) {
    const { status, headers } = await observe("quick", "a", prefer);
    assert.equal(status, 200, prefer);
    assert.equal(headers["preference-applied"], undefined, prefer);
  }
});

test("one that does not wait at all gets an answer at once, and it is true", async () => {
  await system.request("POST", "/quick/clear-all-memory");
  const { status, json } = await observe("quick", "in no time", "wait=0");
  if (status === 504 && json.effect === "none") assert.deepEqual(await workingMemory("quick"), []);
  else if (status === 200) assert.deepEqual(await workingMemory("quick"), [["in no time"]]);
  else assert.deepEqual([status, json.effect], [504, "unknown"]);
});

test("a slow instance delays only its own processor; what was not started in time is never applied", async (t) => {
  const [, instance] = system.simulators;
  // Once for all the calls with which the worker meets an instance.
  assert.equal((await observe("slow", "first")).status, 200);
  // Or it would still be told to be applying that one.
  await until("that is told", async () => {
    const { state, applied } = (await system.request("GET", "/processors/slow")).json;
    return state === "ready" && applied === 1;
  });

  const started = observe("slow", "started", "wait=1");
  await until("it is under way", async () => {
    const { state } = (await system.request("GET", "/processors/slow")).json;
    return state === "applying";
  });
  const queued = observe("slow", "queued", "wait=1");
  const patient = observe("slow", "patient", "wait=20");

  // Whatever is answered from here on does not wait for it.
  await instance?.kill("SIGSTOP");
  t.after(() => instance?.kill("SIGCONT"));
  assert.equal((await observe("quick", "meanwhile")).status, 200);
  const unknown = await started;
  assert.equal(unknown.status, 504);
  assert.equal(unknown.json.effect, "unknown");
  assert.equal(unknown.json.retryable, false);
  assert.equal(unknown.headers["preference-applied"], "wait=1");
  assert.match(String(unknown.json.command), /^\S{8,}$/);
  assert.equal(unknown.headers["kato-command"], unknown.json.command);

  const expired = await queued;
  assert.equal(expired.status, 504);
  assert.equal(expired.json.effect, "none");
  assert.equal(expired.json.retryable, true);
  assert.equal(expired.json.processor, "slow");

  await instance?.kill("SIGCONT");
  assert.equal((await patient).status, 200);
  await untilIdle("slow");
  assert.deepEqual(await workingMemory("slow"), [["first"], ["started"], ["patient"]]);
});

test("a query that is not answered in time is a 504 without effect", async () => {
  const under = observe("slow", "under way");
  await until("it is under way", async () => {
    const { state } = (await system.request("GET", "/processors/slow")).json;
    return state === "applying";
  });
  const late = await system.request("GET", "/slow/status", undefined, { prefer: "wait=0" });
  assert.equal(late.status, 504);
  assert.equal(late.json.effect, "none");
  assert.equal(late.json.retryable, true);
  assert.equal((await under).status, 200);
});
