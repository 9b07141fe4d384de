import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { until } from "../fixtures/until.ts";
import type { ChaosSystem } from "./harness/chaos-system.ts";
import { insistOn, ownerOf, startChaosSystem, untilApplied } from "./harness/chaos-system.ts";

const rounds = 2;
const observations = 60;

const observe = (system: ChaosSystem, text: string) => insistOn(system, "/p1/observe", { strings: [text] });

test("failover from one worker to another", async (t) => {
  const system = await startChaosSystem(t, { isWatched: true, simulatorEnv: { SIMULATOR_DELAY_MS: "20" } });

  await t.test("a worker that was killed is replaced, and nothing is applied twice", async (t) => {
    await observe(system, "a");
    const owner = await ownerOf(system);
    await owner.kill();
    const tookMs = await observe(system, "b");
    t.diagnostic(`it took ${Math.round(tookMs)} ms`);
    await until("another worker reports", async () => (await ownerOf(system)) !== owner);
    assert.deepEqual(await system.instance.workingMemory(), [["a"], ["b"]]);
    await owner.restart();
    await insistOn(system, "/p1/clear-working-memory");
  });

  await t.test("a worker that was frozen past its lease never calls the instance again", async (t) => {
    for (let round = 0; round < rounds; round++) await freezeOwner(t, system, `round ${round}`);
  });
});

/**
 * Freezes the worker that is applying commands until another one does. Asserts that there are never two
 * callers.
 */
async function freezeOwner(t: TestContext, system: ChaosSystem, about: string): Promise<void> {
  const { watch } = system;
  assert.ok(watch);
  // Many, so that the worker has read ahead of what it applies.
  const sent = await Promise.all(
    Array.from({ length: observations }, () =>
      system.request("POST", "/p1/observe", { strings: ["x"] }, { prefer: "respond-async" }),
    ),
  );
  assert.ok(sent.every(({ status }) => status === 202));
  const owner = await ownerOf(system);
  // While a call is under way. If it were frozen just before it writes a call, it would still write that one
  // (docs/recovery-limits.md, 6).
  await watch.atNextCall(() => process.kill(owner.pid, "SIGSTOP"));
  t.after(() => owner.kill("SIGCONT"));
  const before = watch.callers.length;
  const old = new Set(watch.callers);
  await until("another worker calls", () => watch.callers.slice(before).some((caller) => !old.has(caller)));
  await owner.kill("SIGCONT");
  await observe(system, "last");
  await untilApplied(system);
  const since = watch.callers.slice(before);
  const taken = since.findIndex((caller) => !old.has(caller));
  assert.ok(!since.slice(taken).some((caller) => old.has(caller)), `${about}: ${since.join(" ")}`);
  assert.equal((await system.instance.workingMemory()).length, observations + 1);
  await insistOn(system, "/p1/clear-working-memory");
}
