import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Service, System } from "../../fixtures/system.ts";
import { sender, startSystem, startWorker, until } from "../../fixtures/system.ts";
import { KatoInstance } from "./kato-instance.ts";
import { LogTruth } from "./log-truth.ts";

export const leaseMs = 1_000;
export const processor = "p1";

/** A system whose instance keeps what it has learned over a restart, with two workers. */
export interface Cluster extends System {
  simulator: Service;
  workers: Service[];
  gateway: Service;
  /** The instance, asked past the gateway. */
  instance: KatoInstance;
  /** The command log, read past the gateway. */
  truth: LogTruth;
}

/** Starts it; the test's end stops it. */
export async function startCluster(
  t: TestContext,
  options: { simulatorEnv?: NodeJS.ProcessEnv; workerEnv?: NodeJS.ProcessEnv; workers?: number } = {},
): Promise<Cluster> {
  const data = await mkdtemp(join(tmpdir(), "kato-data-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const workerEnv = { LEASE_MS: String(leaseMs), ...options.workerEnv };
  const system = await startSystem({
    processors: [{ id: processor }],
    simulatorEnv: () => ({ SIMULATOR_DATA: data, ...options.simulatorEnv }),
    workerEnv,
  });
  t.after(() => system.stop());
  const workers = [system.worker];
  while (workers.length < (options.workers ?? 2)) {
    const worker = await startWorker({ natsUrl: system.nats.url, env: workerEnv });
    t.after(() => worker.stop());
    workers.push(worker);
  }
  const [simulator] = system.simulators;
  const [gateway] = system.gateways;
  if (!simulator || !gateway) throw new Error("a cluster has an instance and a gateway");
  const instance = new KatoInstance(`127.0.0.1:${simulator.port}`);
  t.after(() => instance.close());
  const truth = await LogTruth.open(system.nats.url, processor);
  t.after(() => truth.close());
  return { ...system, simulator, workers, gateway, instance, truth };
}

/** Resolves once everything in the log is applied and the processor is ready. */
export async function untilApplied(cluster: Cluster, limitMs = 30_000): Promise<void> {
  const last = await cluster.truth.last();
  await until(
    `${last} commands are applied`,
    async () => {
      const answer = await cluster.request("GET", "/processors");
      const [state] = answer.json.processors as { state: string; applied: number }[];
      return state?.state === "ready" && state.applied >= last;
    },
    limitMs,
  );
}

/** The process of the worker that holds the processor's lease. */
export async function ownerOf(cluster: Cluster): Promise<number> {
  const answer = await cluster.request("GET", "/processors");
  const [state] = answer.json.processors as { worker: string }[];
  return Number(state?.worker.split("-").at(-1));
}

/** Sends it until it is done, at once again where it was told to have no effect; says how long that took. */
export async function insistOn(cluster: Cluster, path: string, body?: unknown): Promise<number> {
  const startedAt = performance.now();
  await until(`POST ${path} is done`, async () => {
    const { status, json, text } = await cluster.request("POST", path, body);
    if (status < 300) return true;
    if (json.effect !== "none") throw new Error(text);
    return false;
  });
  return performance.now() - startedAt;
}

/** Registers another endpoint for the processor. */
export async function moveTo(cluster: Cluster, endpoint: string): Promise<void> {
  const send = sender(cluster.gateway.url);
  const { status, text } = await send("PUT", `/processors/${processor}`, {
    name: "P1",
    grpc_endpoint: endpoint,
  });
  if (status >= 300) throw new Error(text);
}
