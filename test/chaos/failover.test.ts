import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../fixtures/until.ts";
import type { Cluster } from "./harness/cluster.ts";
import { insistOn, ownerOf, startCluster, untilApplied } from "./harness/cluster.ts";

const observations = 60;

const observe = (cluster: Cluster, strings: string[]) => insistOn(cluster, "/p1/observe", { strings });

test("failover: a worker that was killed is replaced, and nothing is applied twice", async (t) => {
  const cluster = await startCluster(t);
  await observe(cluster, ["a"]);
  const owner = await ownerOf(cluster);
  process.kill(owner, "SIGKILL");
  const tookMs = await observe(cluster, ["b"]);
  t.diagnostic(`it took ${Math.round(tookMs)} ms`);
  await until("another worker reports", async () => (await ownerOf(cluster)) !== owner);
  assert.deepEqual(await cluster.instance.workingMemory(), [["a"], ["b"]]);
});

test("failover: a worker that was frozen past its lease never calls the instance again, so two callers are never seen", async (t) => {
  const cluster = await startCluster(t, { isWatched: true, simulatorEnv: { SIMULATOR_DELAY_MS: "20" } });
  const { watch } = cluster;
  assert.ok(watch);
  for (let round = 0; round < 3; round++) {
    // So that it has much in its hands.
    const sent = await Promise.all(
      Array.from({ length: observations }, () =>
        cluster.request("POST", "/p1/observe", { strings: ["x"] }, { prefer: "respond-async" }),
      ),
    );
    assert.ok(sent.every(({ status }) => status === 202));
    const owner = await ownerOf(cluster);
    // With a call under way: frozen in the moment before it writes one, it would still write that (docs/recovery-limits.md, 6).
    await watch.atNextCall(() => process.kill(owner, "SIGSTOP"));
    const before = watch.callers.length;
    const old = new Set(watch.callers);
    try {
      await until("another worker calls", () =>
        watch.callers.slice(before).some((caller) => !old.has(caller)),
      );
    } finally {
      process.kill(owner, "SIGCONT");
    }
    await observe(cluster, ["last"]);
    await untilApplied(cluster);
    const since = watch.callers.slice(before);
    const taken = since.findIndex((caller) => !old.has(caller));
    assert.ok(!since.slice(taken).some((caller) => old.has(caller)), `round ${round}: ${since.join(" ")}`);
    assert.equal((await cluster.instance.workingMemory()).length, observations + 1);
    await insistOn(cluster, "/p1/clear-working-memory");
  }
});
