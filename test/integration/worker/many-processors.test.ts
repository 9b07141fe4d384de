import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Worker } from "../../../services/worker/worker.ts";
import { until } from "../../fixtures/until.ts";
import type { WorkersNats } from "../../fixtures/worker-in-process.ts";
import { openWorkersNats, startWorkerInProcess, takenBy } from "../../fixtures/worker-in-process.ts";

const count = 80;
const leaseMs = 10_000;
let shared: WorkersNats;
before(async () => {
  shared = await openWorkersNats(leaseMs);
  for (let index = 0; index < count; index++) {
    const id = `p${index}`;
    // Nothing listens there.
    await shared.registry.put({ id, name: id, grpc_endpoint: "127.0.0.1:9", source: "environment" });
  }
});
after(() => shared?.[Symbol.asyncDispose]());

/** Starts a worker that takes its leases by `take`. */
function startWorker(take: (key: string) => Promise<number>): Promise<Worker> {
  return startWorkerInProcess({ ...shared, leases: takenBy(shared.leases, take) }, { leaseMs });
}

test("of many processors only 32 are started at once", async (t) => {
  let underWay = 0;
  let most = 0;
  const worker = await startWorker(async (key) => {
    most = Math.max(most, ++underWay);
    try {
      return await shared.leases.create(key, "w");
    } finally {
      underWay--;
    }
  });
  t.after(() => worker.stop());
  await until("all are run", () => worker.states.length === count);
  assert.equal(most, 32);
});

test("processors whose leases are held by others delay no other one, and are not tried without end", async (t) => {
  const asked = new Map<string, number>();
  // The first ones by id, and more than are started at once.
  const refused = new Set(
    shared.registry
      .list()
      .slice(0, 40)
      .map(({ id }) => id),
  );
  const worker = await startWorker((key) => {
    asked.set(key, (asked.get(key) ?? 0) + 1);
    return refused.has(key) ? Promise.reject(new Error("taken")) : shared.leases.create(key, "w");
  });
  t.after(() => worker.stop());
  await until("the others are run", () => worker.states.length === count - refused.size);
  assert.ok(worker.states.every(({ processor }) => !refused.has(processor)));
  const most = Math.max(...asked.values());
  assert.ok(most <= 5, `asked for ${most} times`);
});
