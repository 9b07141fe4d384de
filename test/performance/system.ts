import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../scripts/start/free-ports.ts";
import { startNats } from "../fixtures/nats-server.ts";
import type { TestProcess } from "../fixtures/processes.ts";
import { startProcess, startProgram } from "../fixtures/processes.ts";

/** What is asked over HTTP, and the processes whose CPU time counts. */
export interface Side {
  port: number;
  pids: number[];
}

/** Both ways to observe, each with three simulators of its own. */
export interface System {
  processors: readonly string[];
  gateway: Side;
  proxy: Side;
  natsUrl: string;
  worker: TestProcess;
  /** The endpoint of one of the proxy's simulators. */
  plainEndpoint: string;
}

const processors = ["p46b6b076c", "pd5d9e6c4c", "p847675347"];
const root = resolve(import.meta.dirname, "../..");

/** Starts all of it and resolves once both ways answer; `stack` ends it. */
export async function startSystem(stack: AsyncDisposableStack): Promise<System> {
  const nats = await startNats();
  stack.defer(() => nats.stop());
  const endpoints = endpointsOf(await startSimulators(stack, processors));
  const plainEndpoints = endpointsOf(await startSimulators(stack, processors));
  const { worker, gateway, port } = await startServices(stack, nats.url, endpoints);
  await untilReady(port, processors.length);
  const proxy = await startProcess({
    name: "plain proxy",
    file: `${root}/test/performance/plain-proxy.ts`,
    env: { PROCESSORS: JSON.stringify(plainEndpoints) },
    ready: /listening on/,
  });
  stopWith(stack, proxy);
  return {
    processors,
    gateway: { port, pids: [gateway.pid, worker.pid, nats.pid] },
    proxy: { port: Number(/:(\d+)$/m.exec(proxy.output())?.[1]), pids: [proxy.pid] },
    natsUrl: nats.url,
    worker,
    plainEndpoint: Object.values(plainEndpoints)[0] ?? "",
  };
}

export interface Services {
  worker: TestProcess;
  gateway: TestProcess;
  port: number;
}

/** Starts a worker and a gateway with the flags of Node that this process was given, and does not wait for them. */
export async function startServices(
  stack: AsyncDisposableStack,
  natsUrl: string,
  endpoints: Record<string, string>,
): Promise<Services> {
  const [port = 0] = await freePorts(1);
  const start = (name: "worker" | "gateway", env: NodeJS.ProcessEnv) => {
    const args = [...process.execArgv, `${root}/services/${name}/main.ts`];
    const common = { NATS_URL: natsUrl, LOG_LEVEL: "error" };
    const started = startProgram({ name, command: process.execPath, args, env: { ...common, ...env } });
    stopWith(stack, started);
    return started;
  };
  return {
    worker: start("worker", { WORKER_HOST: "127.0.0.1", WORKER_PORT: "0" }),
    gateway: start("gateway", {
      GATEWAY_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      KATO_PROCESSORS: JSON.stringify(endpoints),
    }),
    port,
  };
}

/** Resolves once so many processors are ready; throws where they are not in time. */
export async function untilReady(port: number, count: number, timeoutMs = 30_000): Promise<void> {
  await untilStates(
    port,
    (states) => states.filter((state) => state === "ready").length === count,
    timeoutMs,
  );
}

/** Resolves once the processors' states, in the order of their ids, are as they should be. */
export async function untilStates(
  port: number,
  isSo: (states: string[]) => boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (let states: string[] = []; !isSo(states); states = await statesOf(port)) {
    if (Date.now() > until) throw new Error(`the processors are not as they should be: ${states.join(", ")}`);
    await sleep(100);
  }
}

async function statesOf(port: number): Promise<string[]> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/processors`);
    const { processors } = (await response.json()) as { processors?: { state: string }[] };
    return processors?.map(({ state }) => state) ?? [];
  } catch {
    return [];
  }
}

/** The gRPC endpoints of simulators, by processor. */
export function endpointsOf(simulators: ReadonlyMap<string, TestProcess>): Record<string, string> {
  const endpoint = (simulator: TestProcess) => /"endpoint":"([^"]+)"/.exec(simulator.output())?.[1] ?? "";
  return Object.fromEntries([...simulators].map(([id, simulator]) => [id, endpoint(simulator)]));
}

/** Starts a process for each, on a free port unless `env` says otherwise. */
export async function startSimulators(
  stack: AsyncDisposableStack,
  ids: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Map<string, TestProcess>> {
  const started = ids.map(async (id): Promise<[string, TestProcess]> => {
    const simulator = await startProcess({
      name: `simulator ${id}`,
      file: `${root}/services/simulator/main.ts`,
      // At this level it says where it listens, and nothing more.
      env: { HOST: "127.0.0.1", PORT: "0", MANIFEST: JSON.stringify({ id }), LOG_LEVEL: "info", ...env },
      ready: /"endpoint"/,
    });
    stopWith(stack, simulator);
    return [id, simulator];
  });
  return new Map(await Promise.all(started));
}

export function stopWith(stack: AsyncDisposableStack, started: TestProcess): void {
  stack.defer(async () => void (await started.stop()));
}

/** Forgets what was observed, so that every round begins alike; throws where a processor does not answer. */
export async function clearWorkingMemory(port: number, ids: readonly string[] = processors): Promise<void> {
  for (const id of ids) {
    const response = await fetch(`http://127.0.0.1:${port}/${id}/clear-working-memory`, { method: "POST" });
    if (!response.ok) throw new Error(`${id} answers ${response.status}: ${await response.text()}`);
  }
}
