import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Service, System } from "../../fixtures/system.ts";
import { startSimulatorProcess, startSystem, startWorker, until } from "../../fixtures/system.ts";
import type { CallWatch } from "./call-watch.ts";
import { watchCalls } from "./call-watch.ts";
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
  /** Sees the workers' calls, where that was asked for. */
  watch: CallWatch | undefined;
}

/** Starts it; the test's end stops it. */
export async function startCluster(
  t: TestContext,
  options: { workers?: number; isWatched?: boolean; simulatorEnv?: NodeJS.ProcessEnv } = {},
): Promise<Cluster> {
  const data = await mkdtemp(join(tmpdir(), "kato-data-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const manifest = { MANIFEST: JSON.stringify({ id: processor }) };
  const simulator = await startSimulatorProcess({
    SIMULATOR_DATA: data,
    ...manifest,
    ...options.simulatorEnv,
  });
  t.after(() => simulator.stop());
  const watch = options.isWatched ? await watchCalls(simulator.port) : undefined;
  t.after(() => watch?.close());
  const workerEnv = { LEASE_MS: String(leaseMs) };
  const endpoint = `127.0.0.1:${watch?.port ?? simulator.port}`;
  const gatewayEnv = { KATO_PROCESSORS: JSON.stringify({ [processor]: endpoint }) };
  const system = await startSystem({ processors: [], workerEnv, gatewayEnv });
  t.after(() => system.stop());
  const workers = [system.worker];
  while (workers.length < (options.workers ?? 2)) {
    const worker = await startWorker({ natsUrl: system.nats.url, env: workerEnv });
    t.after(() => worker.stop());
    workers.push(worker);
  }
  const [gateway] = system.gateways;
  if (!gateway) throw new Error("a system has a gateway");
  const instance = new KatoInstance(`127.0.0.1:${simulator.port}`);
  t.after(() => instance.close());
  const truth = await LogTruth.open(system.nats.url, processor);
  t.after(() => truth.close());
  return { ...system, simulator, workers, gateway, instance, truth, watch };
}

/** Resolves once everything in the log is applied and the processor is ready. */
export async function untilApplied(
  cluster: Pick<Cluster, "truth" | "request">,
  limitMs = 30_000,
): Promise<void> {
  let last: number | undefined;
  await until(
    "all commands are applied",
    async () => {
      last ??= await cluster.truth.last();
      const answer = await cluster.request("GET", "/processors");
      const [state] = answer.json.processors as { state: string; applied: number }[];
      return state?.state === "ready" && state.applied >= last;
    },
    limitMs,
  );
}

/** Takes the processor back to how a new one is; gives the sequence of the ClearAllMemory with which a round begins. */
export async function freshStart(cluster: Pick<Cluster, "truth" | "request">): Promise<number> {
  await untilApplied(cluster);
  for (const [path, body] of [
    ["/genes/change", { data: { max_sequence_length: 0, recall_threshold: 0.1 } }],
    ["/start-predicting", undefined],
    ["/clear-all-memory", undefined],
  ] as const) {
    const answer = await cluster.request("POST", `/${processor}${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    if (path === "/clear-all-memory") return Number(answer.headers["kato-sequence"]);
  }
  return 0;
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
