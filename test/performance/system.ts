import { resolve } from "node:path";
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
  const endpoints = await startSimulators(stack);
  const plainEndpoints = await startSimulators(stack);
  const [gatewayPort = 0] = await freePorts(1);
  const env = { NATS_URL: nats.url, LOG_LEVEL: "warn" };

  const worker = startProgram({
    name: "worker",
    command: process.execPath,
    args: [`${root}/services/worker/main.ts`],
    env: { ...env, WORKER_HOST: "127.0.0.1", WORKER_PORT: "0" },
  });
  stopWith(stack, worker);
  const gateway = await startProcess({
    name: "gateway",
    file: `${root}/services/gateway/main.ts`,
    env: {
      ...env,
      GATEWAY_HOST: "127.0.0.1",
      GATEWAY_PORT: String(gatewayPort),
      KATO_PROCESSORS: JSON.stringify(endpoints),
    },
    ready: () => answers(gatewayPort),
  });
  stopWith(stack, gateway);
  const proxy = await startProcess({
    name: "plain proxy",
    file: `${root}/test/performance/plain-proxy.ts`,
    env: { PROCESSORS: JSON.stringify(plainEndpoints) },
    ready: /listening on/,
  });
  stopWith(stack, proxy);
  return {
    processors,
    gateway: { port: gatewayPort, pids: [gateway.pid, worker.pid, nats.pid] },
    proxy: { port: Number(/:(\d+)$/m.exec(proxy.output())?.[1]), pids: [proxy.pid] },
    natsUrl: nats.url,
    worker,
    plainEndpoint: Object.values(plainEndpoints)[0] ?? "",
  };
}

/** Their endpoints, by processor. */
async function startSimulators(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const started = processors.map(async (id) => {
    const simulator = await startProcess({
      name: `simulator ${id}`,
      file: `${root}/services/simulator/main.ts`,
      // At this level it says where it listens, and nothing more.
      env: { HOST: "127.0.0.1", PORT: "0", MANIFEST: JSON.stringify({ id }), LOG_LEVEL: "info" },
      ready: /"endpoint"/,
    });
    stopWith(stack, simulator);
    return [id, /"endpoint":"([^"]+)"/.exec(simulator.output())?.[1] ?? ""];
  });
  return Object.fromEntries(await Promise.all(started));
}

function stopWith(stack: AsyncDisposableStack, started: TestProcess): void {
  stack.defer(async () => void (await started.stop()));
}

/** Forgets what was observed, so that every round begins alike; throws where a processor does not answer. */
export async function clearWorkingMemory(port: number): Promise<void> {
  for (const id of processors) {
    const response = await fetch(`http://127.0.0.1:${port}/${id}/clear-working-memory`, { method: "POST" });
    if (!response.ok) throw new Error(`${id} answers ${response.status}: ${await response.text()}`);
  }
}

function answers(port: number): Promise<boolean> {
  return clearWorkingMemory(port).then(
    () => true,
    () => false,
  );
}
