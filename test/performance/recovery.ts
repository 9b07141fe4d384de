import { setTimeout as sleep } from "node:timers/promises";
import { KatoChannel } from "../../libs/kato/channel.ts";
import type { Service } from "../fixtures/services.ts";
import { startWorker } from "../fixtures/services.ts";
import type { System } from "../fixtures/system.ts";
import { startSystem } from "../fixtures/system.ts";
import { until } from "../fixtures/until.ts";
import type { Figure } from "./rounds.ts";
import { figureOf, median, percentile } from "./rounds.ts";

const events = 200;
const restarts = 7;
const failovers = 3;
const leaseMs = 3_000;
const ingested = 100_000;
const pollMs = 2;

/**
 * From the moment a restarted instance answers to the moment its processor is ready, in ms; the replay
 * itself, which the worker's log tells, is the baseline.
 */
export async function readyAfterRestart(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const system = stack.use(await startSystem({ workerEnv: { LOG_LEVEL: "info" } }));
  for (let index = 0; index < events; index++) {
    await system.request("POST", "/p1/observe", { strings: [`event ${index}`] });
  }
  const value: number[] = [];
  const baseline: number[] = [];
  for (let round = 0; round < restarts; round++) {
    await system.simulator.kill();
    await untilState(system, "down");
    const restarting = system.simulator.restart();
    const answersAt = await firstAnswer(system.simulator.port);
    await untilState(system, "ready");
    value.push(performance.now() - answersAt);
    await restarting;
    baseline.push(latestReplayMs(system.worker));
  }
  const facts = { name: "ready_after_restart", unit: "ms", goal: "<= 300 ms more than the replay" };
  const figure = figureOf(facts, { value, baseline }, (ms) => ms);
  return [{ ...figure, events, beyondReplayMs: Math.round(median(value) - median(baseline)) }];
}

/**
 * From the SIGKILL of the worker that runs a processor to the first answer of another one's; the baseline is
 * the lease.
 */
export async function failover(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const env = { LEASE_MS: String(leaseMs) };
  const system = stack.use(await startSystem({ workerEnv: env }));
  const other = stack.use(await startWorker({ natsUrl: system.nats.url, env }));
  const value: number[] = [];
  for (let round = 0; round < failovers; round++) {
    const { worker } = (await system.request("GET", "/processors/p1")).json;
    const owner = [system.worker, other].find(({ pid }) => String(worker).endsWith(`-${pid}`));
    if (!owner) throw new Error(`no worker is called ${worker}`);
    const killedAt = performance.now();
    await owner.kill();
    await until("another worker answers", async () => {
      const { status } = await system.request(
        "POST",
        "/p1/observe",
        { strings: ["a"] },
        { prefer: "wait=1" },
      );
      return status === 200;
    });
    value.push(performance.now() - killedAt);
    await owner.restart();
    // So that the next one is not shared out anew in the middle of it.
    await sleep(leaseMs);
  }
  const facts = { name: "failover", unit: "ms", goal: "<= lease + 2000 ms" };
  return [figureOf(facts, { value, baseline: value.map(() => leaseMs) }, (ms) => ms)];
}

/**
 * How long a query takes while observations are being applied, p99; the baseline is the instance's own call,
 * of those observations.
 */
export async function queryDuringIngestion(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const system = stack.use(await startSystem());
  const lines = Array.from({ length: ingested }, (_, index) => `{"strings":["word ${index % 1_000}"]}\n`);
  await system.request("POST", "/p1/stop-predicting");
  const { status, headers } = await system.request("POST", "/p1/observations", lines.join(""), {
    "content-type": "application/x-ndjson",
  });
  if (status !== 202) throw new Error(`the observations are answered with ${status}`);
  const latencies: number[] = [];
  let ingestion: Record<string, unknown> = {};
  do {
    for (let count = 0; count < 50; count++) {
      const sentAt = performance.now();
      await system.request("GET", "/p1/gene/recall_threshold");
      latencies.push(performance.now() - sentAt);
    }
    ingestion = (await system.request("GET", String(headers.location))).json;
  } while (ingestion.state !== "done");
  if (ingestion.applied !== ingested) throw new Error(`${ingestion.applied} were applied`);
  const own = await ownCallMs(system);
  const p99 = percentile(
    latencies.toSorted((a, b) => a - b),
    0.99,
  );
  const facts = { name: "query_during_ingestion", unit: "ms p99", goal: "<= 5" };
  const figure = figureOf(facts, { value: [p99], baseline: [own] }, (ms) => ms);
  return [{ ...figure, queries: latencies.length, p50Ms: Number(median(latencies).toPrecision(3)) }];
}

/** What the same query takes of the instance itself, p99, asked the same way as often. */
async function ownCallMs(system: System): Promise<number> {
  const channel = new KatoChannel(`127.0.0.1:${system.simulator.port}`);
  await channel.connect(5_000);
  const latencies: number[] = [];
  for (let count = 0; count < 2_000; count++) {
    const sentAt = performance.now();
    await channel.call("Ping", new Uint8Array(), 5_000);
    latencies.push(performance.now() - sentAt);
  }
  channel.close();
  return percentile(
    latencies.toSorted((a, b) => a - b),
    0.99,
  );
}

async function untilState(system: System, state: string): Promise<void> {
  while ((await system.request("GET", "/processors/p1")).json.state !== state) await sleep(pollMs);
}

/** When an instance that is being started answers for the first time. */
async function firstAnswer(port: number): Promise<number> {
  const channel = new KatoChannel(`127.0.0.1:${port}`);
  while (!(await channel.connect(100))) await sleep(pollMs);
  const answeredAt = performance.now();
  channel.close();
  return answeredAt;
}

function latestReplayMs(worker: Service): number {
  const latest = worker
    .output()
    .split("\n")
    .filter((line) => line.includes('"msg":"rebuilt"'))
    .at(-1);
  return Number(/"ms":(\d+)/.exec(latest ?? "")?.[1]);
}
