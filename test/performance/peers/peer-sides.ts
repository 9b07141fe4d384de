import { resolve } from "node:path";
import { startNats } from "../../fixtures/nats-server.ts";
import { startProcess } from "../../fixtures/processes.ts";
import { until } from "../../fixtures/until.ts";
import type { Side } from "../sides.ts";
import { endpointsOf, startServices, startSimulators, untilReady } from "../sides.ts";
import { startRestate } from "./restate.ts";

/** One way to observe, with what it takes to ask it. */
export interface PeerSide extends Side {
  name: string;
  /** What an answered Observe has survived by then. */
  durability: string;
  /** The path of each processor. `/observe` and `clearPath` come after it. */
  paths: readonly string[];
  clearPath: string;
  /** From the start of its first process until each processor has answered. Undefined where it shares another's. */
  startMs?: number;
  /** Hands in many observations on the first processor. Resolves once they are accepted. */
  enqueue?: (observations: object[]) => Promise<void>;
}

export interface PeerSides {
  proxy: PeerSide;
  /** Measured against the proxy. */
  others: PeerSide[];
}

const processors = ["p1", "p2", "p3"];

/**
 * Starts every way to observe, each with three simulators of its own. With `isSynced` those that have a log sync
 * each command to the disk before they answer; else it is left to the operating system. `stack` ends them.
 */
export async function startPeerSides(stack: AsyncDisposableStack, isSynced: boolean): Promise<PeerSides> {
  const proxy = await startProxy(stack);
  return {
    proxy,
    others: [await startGateway(stack, isSynced), ...(await startRestateSides(stack, isSynced))],
  };
}

/** Forgets what was observed, so that every round begins alike. What was accepted before is applied by then. */
export async function clear(
  { port, paths, clearPath }: Pick<PeerSide, "port" | "paths" | "clearPath">,
  limitMs = 120_000,
): Promise<void> {
  for (const path of paths) await post(port, `${path}/${clearPath}`, limitMs);
}

/** Throws at an answer that is no success. */
async function post(port: number, path: string, limitMs: number, type = "", body: string | null = null) {
  const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
    method: "POST",
    headers: type === "" ? {} : { "content-type": type },
    body,
    signal: AbortSignal.timeout(limitMs),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text}`);
}

async function startProxy(stack: AsyncDisposableStack): Promise<PeerSide> {
  const PROCESSORS = await startInstances(stack);
  const startedAt = performance.now();
  const proxy = await startProcess({
    name: "plain proxy",
    file: resolve(import.meta.dirname, "../plain-proxy.ts"),
    env: { PROCESSORS: JSON.stringify(PROCESSORS) },
    ready: /listening on/,
  });
  stack.defer(async () => void (await proxy.stop()));
  const port = Number(/:(\d+)$/m.exec(proxy.output())?.[1]);
  const asked = { port, paths: processors, clearPath: "clear-working-memory" };
  await clear(asked);
  const startMs = performance.now() - startedAt;
  return { name: "proxy", durability: "none", ...asked, pids: [proxy.pid], startMs };
}

async function startGateway(stack: AsyncDisposableStack, isSynced: boolean): Promise<PeerSide> {
  const endpoints = await startInstances(stack);
  const startedAt = performance.now();
  const nats = stack.use(await startNats({ jetstream: isSynced ? ["sync_interval: always"] : [] }));
  const { gateway, worker } = await startServices(stack, nats.url, endpoints);
  await untilReady(gateway.url, processors.length);
  const asked = { port: gateway.port, paths: processors, clearPath: "clear-working-memory" };
  await clear(asked);
  const startMs = performance.now() - startedAt;
  const [first = ""] = processors;
  return {
    name: "gateway",
    durability: isSynced
      ? "nats-server, one replica, sync_interval: always"
      : "nats-server, one replica, default sync_interval",
    ...asked,
    pids: [gateway.pid, worker.pid, nats.pid],
    startMs,
    enqueue: async (observations) => {
      const lines = observations.map((observation) => `${JSON.stringify(observation)}\n`).join("");
      await post(gateway.port, `${first}/observations`, 60_000, "application/x-ndjson", lines);
    },
  };
}

/** The same Restate twice, by which of its objects are asked. */
async function startRestateSides(stack: AsyncDisposableStack, isSynced: boolean): Promise<PeerSide[]> {
  const endpoints = await startInstances(stack);
  const startedAt = performance.now();
  const { port, pids } = await startRestate(stack, endpoints, isSynced);
  const sideOf = (name: string, object: string) => ({
    name,
    durability: isSynced
      ? "restate-server, one node, its default: each batch of its log synced"
      : "restate-server, one node, log-server.rocksdb-disable-wal-fsync",
    port,
    pids,
    paths: processors.map((id) => `${object}/${id}`),
    clearPath: "clear",
  });
  const [plain, journaled] = [sideOf("restate", "plain"), sideOf("restate_run", "journaled")];
  // A deployment is known to all of the server some moments after it was registered.
  await until("Restate's objects answer", () => clear(plain).then(() => true));
  const startMs = performance.now() - startedAt;
  const [id] = processors;
  const enqueue = (observations: object[]) =>
    post(port, "bulk/observe", 60_000, "application/json", JSON.stringify({ id, observations }));
  return [{ ...plain, startMs, enqueue }, journaled];
}

async function startInstances(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  return endpointsOf(await startSimulators(stack, processors));
}
