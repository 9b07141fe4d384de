import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
before(async () => {
  system = await startSystem({ simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "300" }) });
  await system.request("POST", "/p1/observe", { strings: ["first"] });
});
after(() => system?.stop());

const workingMemory = (headers: Record<string, string>) =>
  system.request("GET", "/p1/working-memory", undefined, headers);
const observeAsync = async (text: string) =>
  Number(
    (await system.request("POST", "/p1/observe", { strings: [text] }, { prefer: "respond-async" })).json
      .sequence,
  );

test("a query waits for the command that it names", async () => {
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
  for (const text of ["c", "d", "e", "f", "g"]) await observeAsync(text);
  const sequence = await observeAsync("h");
  const { status, json } = await workingMemory({ "kato-after": String(sequence), prefer: "wait=1" });
  assert.deepEqual([status, json.effect], [504, "none"]);
  const late = await system.request("POST", "/p1/observe", { strings: ["late"] }, { prefer: "wait=0" });
  assert.equal(late.status, 504);
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
  // So that little has to be rebuilt.
  await system.request("POST", "/p1/clear-working-memory");
  for (const text of ["i", "j", "k"]) await observeAsync(text);
  const sequence = await observeAsync("l");
  const asked = workingMemory({ "kato-after": String(sequence), prefer: "wait=3" });
  await system.simulator.kill();
  const { status, json } = await asked;
  assert.ok(status === 503 || status === 504, String(status));
  assert.equal(json.effect, "none");
  await system.simulator.restart();
  await until(
    "it is back",
    async () => (await workingMemory({ "kato-after": String(sequence) })).status === 200,
  );
});
