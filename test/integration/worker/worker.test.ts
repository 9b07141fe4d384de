import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { querySubject } from "../../../libs/commands/messages/subjects.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import type { Simulator } from "../../../services/simulator/server.ts";
import { startSimulator } from "../../../services/simulator/server.ts";
import type { Worker } from "../../../services/worker/worker.ts";
import type { WorkerContext } from "../../../services/worker/worker-context.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { until } from "../../fixtures/until.ts";
import type { WorkersNats } from "../../fixtures/worker-in-process.ts";
import { instead, openWorkersNats, startWorkerInProcess, takenBy } from "../../fixtures/worker-in-process.ts";

const leaseMs = 1_000;
/** How long the slow instance takes for a call. */
const slowMs = 400;
let shared: WorkersNats;
/** Two instances of `p1`, and one of `slow`. */
let simulators: Simulator[];
let ids = 0;
before(async () => {
  shared = await openWorkersNats(leaseMs);
  simulators = await Promise.all([
    startSimulator({ manifest: { id: "p1" } }),
    startSimulator({ manifest: { id: "p1" } }),
    startSimulator({ manifest: { id: "slow" }, delayMs: slowMs }),
  ]);
});
after(async () => {
  for (const simulator of simulators ?? []) await simulator.stop();
  await shared?.[Symbol.asyncDispose]();
});

const endpointOf = (index: number) => simulators[index]?.endpoint ?? "";

async function register(id: string, index: number, more: Partial<ProcessorEntry> = {}): Promise<void> {
  const grpc_endpoint = endpointOf(index);
  await shared.registry.put({ id, name: id, grpc_endpoint, source: "rest", ...more });
}

async function start(
  t: TestContext,
  settings: Partial<WorkerContext["settings"]> = {},
  leases = shared.leases,
): Promise<Worker> {
  const worker = await startWorkerInProcess({ ...shared, leases }, { leaseMs, ...settings });
  t.after(() => worker.stop());
  return worker;
}

/** Stores a command. Returns its sequence. */
async function store(processor: string, method: Method, data: Uint8Array): Promise<number> {
  await shared.logs.ensure(processor);
  const id = `c${++ids}`;
  return (await shared.logs.append({ id, processor, method, data })).sequence;
}

const observe = (processor: string, text: string) =>
  store(processor, "Observe", encodeRequest("Observe", { strings: [text], unique_id: `o${ids}` }));

const stateOf = (worker: Worker, id: string) => worker.states.find(({ processor }) => processor === id);
const untilApplied = (worker: Worker, id: string, sequence: number) =>
  until(`${sequence} is applied`, () => stateOf(worker, id)?.applied === sequence);

async function memoryOf(t: TestContext, index: number): Promise<string[][]> {
  const client = new KatoClient(endpointOf(index));
  t.after(() => client.close());
  return client.workingMemory();
}

test("a processor moves with its endpoint, is paused and resumed, and is run no more once it is registered no more", async (t) => {
  await register("p1", 0);
  const worker = await start(t);
  await untilApplied(worker, "p1", await observe("p1", "a"));
  await register("p1", 1);
  await until("it is where its endpoint is", async () => {
    await untilApplied(worker, "p1", await observe("p1", "b"));
    return (await memoryOf(t, 1)).some(([symbol]) => symbol === "b");
  });

  await shared.registry.setPaused("p1", true);
  await until("it is paused", () => stateOf(worker, "p1")?.state === "paused");
  const before = (await memoryOf(t, 1)).length;
  const waiting = await observe("p1", "c");
  await sleep(100);
  assert.equal((await memoryOf(t, 1)).length, before);
  await shared.registry.setPaused("p1", false);
  await untilApplied(worker, "p1", waiting);

  await shared.registry.remove("p1");
  await until("it is run no more", () => stateOf(worker, "p1") === undefined);
});

test("a processor that is paused applies nothing while its new worker begins another one", async (t) => {
  await register("p1", 1, { paused: true });
  await register("slow", 2);
  const before = (await memoryOf(t, 1)).length;
  await observe("p1", "d");
  let isTaken = false;
  const take = async (key: string) => {
    if (key === "slow") await sleep(500);
    isTaken ||= key === "slow";
    return shared.leases.create(key, "w");
  };
  const worker = await start(t, {}, takenBy(shared.leases, take));
  await until("the other one is taken", () => isTaken);
  assert.equal((await memoryOf(t, 1)).length, before);
  await until("it is paused", () => stateOf(worker, "p1")?.state === "paused");
  await shared.registry.setPaused("p1", false);
  await shared.registry.remove("slow");
});

test("a processor whose lease was lost is run again as soon as it can be", async (t) => {
  await register("p1", 1);
  const worker = await start(t);
  await untilApplied(worker, "p1", await observe("p1", "e"));
  await shared.leases.put("p1", "another worker");
  await until("it is run no more", () => stateOf(worker, "p1") === undefined);
  await shared.leases.delete("p1");
  await until("it is run again", () => stateOf(worker, "p1") !== undefined);
  await untilApplied(worker, "p1", await observe("p1", "f"));
});

test("a worker that stops gives a processor back only once its call has ended, and then answers nothing (A1, A4)", async (t) => {
  await register("slow", 2);
  const worker = await start(t, { callTimeoutMs: 10 * slowMs });
  await until("it is ready", () => stateOf(worker, "slow")?.state === "ready");
  const sequence = await observe("slow", "a");
  await until("it is under way", () => stateOf(worker, "slow")?.state === "applying");
  await worker.stop();
  const checkpoints = await openBucket(shared.link.connection, "checkpoints", 1);
  const { applied, epoch } =
    (await checkpoints.get("slow"))?.json<{ applied: number; epoch: string }>() ?? {};
  assert.deepEqual([applied, epoch], [sequence, ""]);
  await assert.rejects(shared.link.connection.request(querySubject("slow"), "", { timeout: 2_000 }));
});

test("the time that a call may take, and how much of a log is kept, are as they were set", async (t) => {
  await register("slow", 2);
  const history = { commands: 1, ageMs: 0 };
  const worker = await start(t, { callTimeoutMs: slowMs / 4, trimEveryMs: 100, history });
  await observe("slow", "b");
  await until("a call has not ended in time", async () => {
    return (await worker.metrics.scrape()).includes('method="Observe",outcome="unseen"');
  });
  const last = await store("p1", "ClearAllMemory", new Uint8Array());
  await until("what no rebuild needs is trimmed", async () => (await shared.logs.first("p1")) === last);
});

test("a worker that has lost NATS does not wait for what cannot be written when it is stopped", async () => {
  const leases = instead(shared.leases, { delete: () => new Promise<never>(() => {}) });
  const link = instead(shared.link, { disconnected: async () => {} });
  const worker = await startWorkerInProcess({ ...shared, link, leases }, { leaseMs, processors: [] });
  const isStopped = worker.stop().then(() => true);
  assert.equal(await Promise.race([isStopped, sleep(5_000, false)]), true);
});
