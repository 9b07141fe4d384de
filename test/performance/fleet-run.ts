import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNatsServer } from "../fixtures/nats-server.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { startProcess } from "../fixtures/processes.ts";
import type { Service } from "../fixtures/services.ts";
import { startWorker } from "../fixtures/services.ts";
import { until } from "../fixtures/until.ts";
import { cpuTimeMs } from "./cpu-time.ts";
import { quiet, startServices, untilReady } from "./sides.ts";

const idleMs = 10_000;
const perProcess = 1_000;

/** A fleet under measurement, and what its first start and its rest have taken. */
export interface MeasuredFleet {
  nats: TestNatsServer;
  worker: Service;
  gateway: Service;
  details: Record<string, number>;
}

/** Starts so many processors on one worker and one gateway, and measures their first start and their rest. */
export async function startFleet(
  stack: AsyncDisposableStack,
  count: number,
  startLimitMs: number,
): Promise<MeasuredFleet> {
  const nats = stack.use(await startNats());
  const endpoints: Record<string, string> = {};
  for (let from = 0; from < count; from += perProcess) {
    Object.assign(endpoints, await startInstances(stack, from, Math.min(perProcess, count - from)));
  }
  const natsBefore = cpuTimeMs([nats.pid]);
  const startedAt = performance.now();
  const { worker, gateway } = await startServices(stack, nats.url, endpoints);
  await untilReady(gateway.url, count, startLimitMs);
  const startSeconds = round1((performance.now() - startedAt) / 1_000);
  const startCpuMs = cpuTimeMs([worker.pid, gateway.pid, nats.pid]) - natsBefore;

  // What was used for the start counts as used for some seconds.
  await sleep(2 * idleMs);
  const pids = { idleWorker: worker.pid, idleGateway: gateway.pid, idleNats: nats.pid };
  const before = Object.values(pids).map((pid) => cpuTimeMs([pid]));
  const from = performance.now();
  await sleep(idleMs);
  const seconds = (performance.now() - from) / 1_000;
  const idle = Object.entries(pids).map(([name, pid], index) => [
    `${name}CpuMsPerSecond`,
    Math.round((cpuTimeMs([pid]) - (before[index] ?? 0)) / seconds),
  ]);
  const [workerMb, gatewayMb, natsMb] = [worker, gateway, nats].map(({ pid }) => residentMb(pid));
  return {
    ...{ nats, worker, gateway },
    details: {
      ...{
        startSeconds,
        startCpuMs,
        workerMb: workerMb ?? 0,
        gatewayMb: gatewayMb ?? 0,
        natsMb: natsMb ?? 0,
      },
      ...Object.fromEntries(idle),
    },
  };
}

/**
 * Stops the worker cleanly, and starts another one. Resolves to after how many seconds all are ready again, counted from
 * when it listens.
 */
export async function takeOver(
  stack: AsyncDisposableStack,
  { nats, worker, gateway }: MeasuredFleet,
  { count, limitMs }: { count: number; limitMs: number },
): Promise<number> {
  await worker.stop();
  const next = stack.use(await startWorker({ natsUrl: nats.url, nodeArgs: process.execArgv, env: quiet }));
  const from = performance.now();
  // Its own port tells it at once, while a gateway goes by the reports of the worker before for a while.
  await until(
    "the next worker has all",
    async () => {
      const { processors } = (await (await fetch(`${next.url}/health`)).json()) as {
        processors: { state: string }[];
      };
      return processors.filter(({ state }) => state === "ready").length === count;
    },
    limitMs,
  );
  const seconds = (performance.now() - from) / 1_000;
  await untilReady(gateway.url, count, limitMs);
  return round1(seconds);
}

/** Starts instances in one process, whose CPU they share. Resolves to their endpoints, by processor. */
async function startInstances(
  stack: AsyncDisposableStack,
  from: number,
  count: number,
): Promise<Record<string, string>> {
  const simulators = await startProcess({
    name: "simulators",
    file: resolve(import.meta.dirname, "many-simulators.ts"),
    env: { COUNT: String(count), FROM: String(from) },
    ready: /endpoints .*\}/,
    timeoutMs: 60_000,
  });
  stack.defer(async () => void (await simulators.stop()));
  return JSON.parse(/endpoints (.*)/.exec(simulators.output())?.[1] ?? "{}");
}

const round1 = (value: number) => Number(value.toFixed(1));

/** What the process has in memory, in MB of 2^20 bytes. Linux only. */
export function residentMb(pid: number): number {
  const [, kib = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / 1_024);
}
