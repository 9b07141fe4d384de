import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { eventsOf, viewOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

/** A system whose workers do this with what somebody observes past the gateway, and that somebody. */
async function startWith(t: TestContext, FOREIGN_OBSERVES: string) {
  const system = await startSystemHere({ workerEnv: { FOREIGN_OBSERVES } });
  t.after(() => system.stop());
  const stranger = new KatoClient(`127.0.0.1:${system.simulator.port}`);
  t.after(() => stranger.close());
  return { system, stranger };
}

const observe = ({ succeed }: SystemHere, text: string) =>
  succeed("POST", "/p1/observe", { strings: [text] });

test("an observation past the gateway is noticed while nothing is sent, taken back, and told", async (t) => {
  const { system, stranger } = await startWith(t, "mend");
  await observe(system, "a");
  await observe(system, "b");
  await stranger.insist("Observe", { strings: ["x"], unique_id: "stranger" });
  await until(
    "working memory is as the log has it",
    async () => (await stranger.workingMemory()).length === 2,
  );
  await until("it is told", async () => (await viewOf(system.request)).foreign_observes !== undefined);
  const { foreign_observes, degraded } = await viewOf(system.request);
  assert.equal(foreign_observes?.count, 1);
  assert.equal(degraded, undefined);

  assert.equal((await observe(system, "c")).json.interval, 3, "clients do not see the tick");
  assert.deepEqual(await eventsOf(system.request), ["a", "b", "c"]);
});

test("an observation past the gateway is never learned", async (t) => {
  const { system, stranger } = await startWith(t, "mend");
  await observe(system, "a");
  await observe(system, "b");
  await stranger.insist("Observe", { strings: ["x"], unique_id: "stranger" });
  const { json } = await system.request("POST", "/p1/learn");
  const { sequence } = (await stranger.model(String(json.message))) as { sequence: string[][] };
  assert.deepEqual(sequence, [["a"], ["b"]]);
});

test("where the setting leaves it alone it stays, and the processor is degraded", async (t) => {
  const { system, stranger } = await startWith(t, "leave");
  await observe(system, "a");
  await stranger.insist("Observe", { strings: ["x"], unique_id: "stranger" });
  await observe(system, "b");
  assert.deepEqual(await eventsOf(system.request), ["a", "x", "b"]);
  await until("it is told", async () => (await viewOf(system.request)).degraded !== undefined);
  assert.equal((await viewOf(system.request)).degraded, "somebody else calls the instance");
});
