import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startNats } from "../fixtures/nats-server.ts";
import { startProcess } from "../fixtures/processes.ts";
import { cpuTimeMs } from "./cpu-time.ts";
import { load, observeRequest } from "./load.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, percentile } from "./rounds.ts";
import type { Sides } from "./sides.ts";
import { clearWorkingMemory, startServices, untilReady } from "./sides.ts";

const count = 1_000;
const startLimitMs = 120_000;
const idleMs = 10_000;

/**
 * A thousand processors on one worker and one gateway: how long one client waits for an Observe, against the
 * same with three processors; and what it takes to start them and to keep them. Their instances share one
 * process, whose CPU they share.
 */
export async function fleet(sides: Sides): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const simulators = await startProcess({
    name: "simulators",
    file: resolve(import.meta.dirname, "many-simulators.ts"),
    env: { COUNT: String(count) },
    ready: /endpoints .*\}/,
    timeoutMs: 60_000,
  });
  stack.defer(async () => void (await simulators.stop()));
  const endpoints = JSON.parse(/endpoints (.*)/.exec(simulators.output())?.[1] ?? "{}");

  const startedAt = performance.now();
  const { worker, gateway } = await startServices(stack, nats.url, endpoints);
  await untilReady(gateway.url, count, startLimitMs);
  const startSeconds = (performance.now() - startedAt) / 1_000;
  const startCpuMs = cpuTimeMs([worker.pid, gateway.pid]);

  await sleep(idleMs);
  const cpuBefore = cpuTimeMs([worker.pid, gateway.pid]);
  const idleFrom = performance.now();
  await sleep(idleMs);
  const idleSeconds = (performance.now() - idleFrom) / 1_000;
  const idleCpuMs = cpuTimeMs([worker.pid, gateway.pid]) - cpuBefore;
  const [workerMb, gatewayMb] = [residentMb(worker.pid), residentMb(gateway.pid)];

  const observe = (at: number, id: string) => async () => {
    const { latenciesMs } = await load(at, [observeRequest(id)], 1_000);
    await clearWorkingMemory(at, [id]);
    return latenciesMs;
  };
  const [three = ""] = sides.processors;
  const rounds = await alternate(9, observe(gateway.port, "f0"), observe(sides.gateway.port, three));
  const figure = figureOf({ name: "fleet_1000", unit: "ms p50", goal: "<= 1.5" }, rounds, (latenciesMs) =>
    percentile(latenciesMs, 0.5),
  );
  return [
    {
      ...figure,
      startSeconds: Number(startSeconds.toFixed(1)),
      startCpuMs,
      memoryMb: workerMb + gatewayMb,
      workerMb,
      gatewayMb,
      idleCpuMsPerSecond: Math.round(idleCpuMs / idleSeconds),
    },
  ];
}

/** What the process has in memory, in MB of 2^20 bytes. Linux only. */
export function residentMb(pid: number): number {
  const [, kib = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / 1_024);
}
