import { resolve } from "node:path";
import { sendTo } from "../fixtures/http-client.ts";
import { startProcess } from "../fixtures/processes.ts";
import type { Service } from "../fixtures/services.ts";
import { startGateway, startSimulatorProcess, startWorker } from "../fixtures/services.ts";
import type { System } from "../fixtures/system.ts";
import { startSystem } from "../fixtures/system.ts";
import { until } from "../fixtures/until.ts";

/** One way to observe: where it is asked over HTTP, and the processes whose CPU time counts. */
export interface Side {
  port: number;
  pids: number[];
}

/**
 * Both ways to observe, through this system and through a plain proxy. Each has three simulators of its own.
 */
export interface Sides {
  processors: readonly string[];
  gateway: Side;
  proxy: Side;
  natsUrl: string;
  worker: Service;
  /** The endpoint of one of the proxy's simulators. */
  plainEndpoint: string;
}

const processors = ["p46b6b076c", "pd5d9e6c4c", "p847675347"];
/** What these services are told of logging: nothing that costs. */
export const quiet = { LOG_LEVEL: "error" };

/** Starts both and resolves once they answer. `stack` ends them. */
export async function startSides(stack: AsyncDisposableStack): Promise<Sides> {
  const { system, side } = await startSystemSide(stack);
  const plain = await startSimulators(stack, processors);
  const proxy = await startProcess({
    name: "plain proxy",
    file: resolve(import.meta.dirname, "plain-proxy.ts"),
    env: { PROCESSORS: JSON.stringify(endpointsOf(plain)) },
    ready: /listening on/,
  });
  stack.defer(async () => void (await proxy.stop()));
  const { nats, worker } = system;
  return {
    processors,
    gateway: side,
    proxy: { port: Number(/:(\d+)$/m.exec(proxy.output())?.[1]), pids: [proxy.pid] },
    natsUrl: nats.url,
    worker,
    plainEndpoint: Object.values(endpointsOf(plain))[0] ?? "",
  };
}

/** Starts a whole system. `jetstream` has lines for NATS's configuration. */
export async function startSystemSide(
  stack: AsyncDisposableStack,
  jetstream: string[] = [],
): Promise<{ system: System; side: Side }> {
  const system = stack.use(
    await startSystem({
      processors: processors.map((id) => ({ id })),
      jetstream,
      workerEnv: quiet,
      gatewayEnv: quiet,
      nodeArgs: process.execArgv,
    }),
  );
  const { nats, gateway, worker } = system;
  return { system, side: { port: gateway.port, pids: [gateway.pid, worker.pid, nats.pid] } };
}

/** Starts a worker and a gateway for these endpoints, with the flags of Node that this process was given. */
export async function startServices(
  stack: AsyncDisposableStack,
  natsUrl: string,
  endpoints: Record<string, string>,
): Promise<{ worker: Service; gateway: Service }> {
  const common = { natsUrl, nodeArgs: process.execArgv };
  const KATO_PROCESSORS = JSON.stringify(endpoints);
  const [worker, gateway] = await Promise.all([
    startWorker({ ...common, env: quiet }),
    startGateway({ ...common, env: { ...quiet, KATO_PROCESSORS } }),
  ]);
  return { worker: stack.use(worker), gateway: stack.use(gateway) };
}

/** Starts a process for each processor, by its id. */
export async function startSimulators(
  stack: AsyncDisposableStack,
  ids: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Map<string, Service>> {
  const started = ids.map(async (id): Promise<[string, Service]> => {
    const simulator = await startSimulatorProcess({ MANIFEST: JSON.stringify({ id }), ...env });
    return [id, stack.use(simulator)];
  });
  return new Map(await Promise.all(started));
}

/** The gRPC endpoints of simulators, by processor. */
export function endpointsOf(simulators: ReadonlyMap<string, Service>): Record<string, string> {
  return Object.fromEntries([...simulators].map(([id, { port }]) => [id, `127.0.0.1:${port}`]));
}

/** Resolves once so many processors are ready. */
export async function untilReady(gatewayUrl: string, count: number, limitMs?: number): Promise<void> {
  const isSo = (states: string[]) => states.filter((state) => state === "ready").length === count;
  await untilStates(gatewayUrl, isSo, limitMs);
}

/** Resolves once the processors' states, in the order of their ids, are as they should be. */
export async function untilStates(
  gatewayUrl: string,
  isSo: (states: string[]) => boolean,
  limitMs?: number,
): Promise<void> {
  const send = sendTo(gatewayUrl);
  const areThey = async () => {
    const { json } = await send("GET", "/processors");
    const { processors = [] } = json as { processors?: { state: string }[] };
    const states = processors.map(({ state }) => state);
    if (isSo(states)) return true;
    throw new Error(states.join(", "));
  };
  await until("the processors are in the states that they should be in", areThey, limitMs);
}

/** Forgets what was observed, so that every round begins alike. Throws where a processor does not answer. */
export async function clearWorkingMemory(port: number, ids: readonly string[] = processors): Promise<void> {
  for (const id of ids) {
    const response = await fetch(`http://127.0.0.1:${port}/${id}/clear-working-memory`, { method: "POST" });
    if (!response.ok) throw new Error(`${id} answers ${response.status}: ${await response.text()}`);
  }
}
