import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { until } from "../fixtures/until.ts";
import type { Cluster } from "./harness/cluster.ts";
import { insistOn, ownerOf, startCluster, untilApplied } from "./harness/cluster.ts";

const rounds = 3;
const observations = 60;

const observe = (cluster: Cluster, text: string) => insistOn(cluster, "/p1/observe", { strings: [text] });

test("failover from one worker to another", async (t) => {
  const cluster = await startCluster(t, { isWatched: true, simulatorEnv: { SIMULATOR_DELAY_MS: "20" } });

  await t.test("a worker that was killed is replaced, and nothing is applied twice", async (t) => {
    await observe(cluster, "a");
    const owner = await ownerOf(cluster);
    await owner.kill();
    const tookMs = await observe(cluster, "b");
    t.diagnostic(`it took ${Math.round(tookMs)} ms`);
    await until("another worker reports", async () => (await ownerOf(cluster)) !== owner);
    assert.deepEqual(await cluster.instance.workingMemory(), [["a"], ["b"]]);
    await owner.restart();
    await insistOn(cluster, "/p1/clear-working-memory");
  });

  await t.test("a worker that was frozen past its lease never calls the instance again", async (t) => {
    for (let round = 0; round < rounds; round++) await freezeOwner(t, cluster, `round ${round}`);
  });
});

/**
 * Freezes the worker that is applying commands until another one does. Asserts that there are never two
 * callers.
 */
async function freezeOwner(t: TestContext, cluster: Cluster, about: string): Promise<void> {
  const { watch } = cluster;
  assert.ok(watch);
  // Many, so that the worker has read ahead of what it applies.
  const sent = await Promise.all(
    Array.from({ length: observations }, () =>
      cluster.request("POST", "/p1/observe", { strings: ["x"] }, { prefer: "respond-async" }),
    ),
  );
  assert.ok(sent.every(({ status }) => status === 202));
  const owner = await ownerOf(cluster);
  // While a call is under way. If it were frozen just before it writes a call, it would still write that one
  // (docs/recovery-limits.md, 6).
  await watch.atNextCall(() => process.kill(owner.pid, "SIGSTOP"));
  t.after(() => owner.kill("SIGCONT"));
  const before = watch.callers.length;
  const old = new Set(watch.callers);
  await until("another worker calls", () => watch.callers.slice(before).some((caller) => !old.has(caller)));
  await owner.kill("SIGCONT");
  await observe(cluster, "last");
  await untilApplied(cluster);
  const since = watch.callers.slice(before);
  const taken = since.findIndex((caller) => !old.has(caller));
  assert.ok(!since.slice(taken).some((caller) => old.has(caller)), `${about}: ${since.join(" ")}`);
  assert.equal((await cluster.instance.workingMemory()).length, observations + 1);
  await insistOn(cluster, "/p1/clear-working-memory");
}
