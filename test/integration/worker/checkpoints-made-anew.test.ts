import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import { startSimulator } from "../../../services/simulator/server.ts";
import { withStreams } from "../../fixtures/bulk.ts";
import { until } from "../../fixtures/until.ts";
import { openWorkersNats, startWorkerInProcess } from "../../fixtures/worker-in-process.ts";

test("the checkpoint of an idle processor is written again when its bucket was deleted", async (t) => {
  await using shared = await openWorkersNats(1_000);
  const simulator = await startSimulator({ manifest: { id: "p1" } });
  t.after(() => simulator.stop());
  const { registry, logs, link, nats } = shared;
  await registry.put({ id: "p1", name: "p1", grpc_endpoint: simulator.endpoint, source: "rest" });
  await logs.ensure("p1");
  const data = encodeRequest("Observe", { strings: ["a"], unique_id: "a" });
  await logs.append({ id: "c1", processor: "p1", method: "Observe", data });
  const worker = await startWorkerInProcess(shared, { leaseMs: 1_000 });
  // It is stopped before the connection that it uses is closed.
  await using stack = new AsyncDisposableStack();
  stack.defer(() => worker.stop());
  const appliedIn = async () => {
    const bucket = await openBucket(link.connection, "checkpoints", 1);
    return (await bucket.get("p1"))?.json<{ applied: number }>().applied;
  };
  await until("it is applied and persisted", async () => (await appliedIn()) === 1);
  await withStreams(nats.url, (streams) => streams.delete(bucketStream("checkpoints")));
  assert.equal(await appliedIn(), undefined);
  // On a busy machine the worker may just take the processor's lease anew, and then writes it when it has.
  await worker.restoreCheckpoints();
  await until("it is written again", async () => (await appliedIn()) === 1);
});
