import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventsOf, untilIdle, untilState, viewOf } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

/** How long each call to an instance takes. For the slow one that is longer than the shortest wait, 1 s. */
const delaysMs: Record<string, number> = { slow: 1_200, restarted: 450, p1: 300 };

let system: System;
before(async () => {
  system = await startSystem({
    processors: [{ id: "quick" }, { id: "slow" }, { id: "restarted" }, { id: "p1" }],
    simulatorEnv: (id) => ({ SIMULATOR_DELAY_MS: String(delaysMs[id] ?? 0) }),
  });
});
after(() => system?.stop());

const observe = (id: string, text: string, prefer?: string) =>
  system.request("POST", `/${id}/observe`, { strings: [text] }, prefer === undefined ? {} : { prefer });
const events = (id: string) => eventsOf(system.request, id);

test("the answer tells the wait that was applied, also where it was cut to 300 s", async () => {
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

test("with wait=0 the answer comes at once, and it is true", async () => {
  await system.succeed("POST", "/quick/clear-all-memory");
  const { status, json } = await observe("quick", "in no time", "wait=0");
  if (status === 504 && json.effect === "none") assert.deepEqual(await events("quick"), []);
  else if (status === 200) assert.deepEqual(await events("quick"), ["in no time"]);
  else assert.deepEqual([status, json.effect], [504, "unknown"]);
});

test("a slow instance delays only its own processor, and a command that was not started in time is never applied", async (t) => {
  const [, instance] = system.simulators;
  assert.ok(instance);
  // This one also waits for the calls that the worker makes of an instance at first.
  assert.equal((await observe("slow", "first")).status, 200);
  // Until the gateway knows that this one is over, it would say that it is being applied.
  await until("the gateway knows that it is applied", async () => {
    const { state, applied } = await viewOf(system.request, "slow");
    return state === "ready" && applied === 1;
  });

  const started = observe("slow", "started", "wait=1");
  await untilState(system.request, "slow", "applying");
  const queued = observe("slow", "queued", "wait=1");
  const patient = observe("slow", "patient", "wait=20");

  // From here on no answer can have waited for this instance.
  await instance.kill("SIGSTOP");
  t.after(() => instance.kill("SIGCONT"));
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

  await instance.kill("SIGCONT");
  assert.equal((await patient).status, 200);
  await untilIdle(system.request, "slow");
  assert.deepEqual(await events("slow"), ["first", "started", "patient"]);
});

test("a query that is not answered in time is a 504 without effect", async () => {
  const under = observe("slow", "under way");
  await untilState(system.request, "slow", "applying");
  const late = await system.request("GET", "/slow/status", undefined, { prefer: "wait=0" });
  assert.equal(late.status, 504);
  assert.equal(late.json.effect, "none");
  assert.equal(late.json.retryable, true);
  assert.equal((await under).status, 200);
});

test("a command whose time passes while its instance is being rebuilt is never applied", async () => {
  const [, , instance] = system.simulators;
  assert.ok(instance);
  const send = async (text: string, prefer: string) => {
    const { status, json } = await observe("restarted", text, prefer);
    return { status, effect: json.effect };
  };
  const texts = ["1", "2", "3"];
  for (const text of texts) assert.equal((await send(text, "wait=20")).status, 200);
  await instance.kill();
  await untilState(system.request, "restarted", "down");
  await instance.restart({ SIMULATOR_DELAY_MS: "1000" });
  // The three observations are sent to it again, a second each. Here one of them takes as long as it is frozen.
  await untilState(system.request, "restarted", "rebuilding");
  await instance.kill("SIGSTOP");
  assert.deepEqual(await send("in vain", "wait=1"), { status: 504, effect: "none" });
  await instance.kill("SIGCONT");
  await untilState(system.request, "restarted", "ready");
  assert.equal((await send("4", "wait=20")).status, 200);
  assert.deepEqual(await events("restarted"), [...texts, "4"]);
});

const workingMemory = (headers: Record<string, string>) =>
  system.request("GET", "/p1/working-memory", undefined, headers);
const observeAsync = async (text: string) =>
  Number(
    (await system.request("POST", "/p1/observe", { strings: [text] }, { prefer: "respond-async" })).json
      .sequence,
  );

test("a query waits for the command that it names", async () => {
  await system.succeed("POST", "/p1/observe", { strings: ["first"] });
  await observeAsync("a");
  const sequence = await observeAsync("b");
  const { status, json } = await workingMemory({ "kato-after": String(sequence) });
  assert.equal(status, 200);
  assert.deepEqual(json.message, [["first"], ["a"], ["b"]]);
  assert.equal(
    (await workingMemory({ "kato-after": String(sequence) })).status,
    200,
    "it is applied already",
  );
  assert.equal((await workingMemory({ "kato-after": "0" })).status, 200);
});

test("it waits no longer than it may, and a command that expired counts as done", async () => {
  const instance = system.simulators.at(-1);
  assert.ok(instance);
  for (const text of ["c", "d", "e", "f", "g"]) await observeAsync(text);
  const sequence = await observeAsync("h");
  // With a call under way it is busy, and not down.
  await untilState(system.request, "p1", "applying");
  await instance.kill("SIGSTOP");
  const { status, json } = await workingMemory({ "kato-after": String(sequence), prefer: "wait=1" });
  assert.deepEqual([status, json.effect], [504, "none"]);
  const late = await system.request("POST", "/p1/observe", { strings: ["late"] }, { prefer: "wait=0" });
  assert.equal(late.status, 504);
  await instance.kill("SIGCONT");
  assert.equal((await workingMemory({ "kato-after": String(sequence + 1) })).status, 200);
});

test("a Kato-After that is not a sequence of this log is a 422 that names the header", async () => {
  for (const wrong of ["x", "-1", "1.5", "", "1e3", "999999", "99999999999999999999"]) {
    const { status, json } = await workingMemory({ "kato-after": wrong });
    assert.equal(status, 422, wrong);
    assert.equal((json.errors as { field: string }[])[0]?.field, "Kato-After");
  }
});

test("a query whose instance goes away while it waits is a 503 or a 504", async () => {
  const instance = system.simulators.at(-1);
  assert.ok(instance);
  // So that little has to be rebuilt.
  await system.succeed("POST", "/p1/clear-working-memory");
  for (const text of ["i", "j", "k"]) await observeAsync(text);
  const sequence = await observeAsync("l");
  const asked = workingMemory({ "kato-after": String(sequence), prefer: "wait=3" });
  await instance.kill();
  const { status, json } = await asked;
  assert.ok(status === 503 || status === 504, String(status));
  assert.equal(json.effect, "none");
  await instance.restart();
  await until(
    "it is back",
    async () => (await workingMemory({ "kato-after": String(sequence) })).status === 200,
  );
});
