import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { viewOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startWorker } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";
import type { CallWatch } from "./call-watch.ts";
import { watchCalls } from "./call-watch.ts";
import { LogTruth } from "./log-truth.ts";

export const leaseMs = 1_000;
export const processor = "p1";

/** A system with two workers, whose instance keeps what it has learned over a restart. */
export interface ChaosSystem extends System {
  workers: Service[];
  /** The instance, asked past the gateway and the worker. */
  instance: KatoClient;
  /** The command log, read past the gateway. */
  truth: LogTruth;
  /** Sees the calls of the workers. Only there where it was asked for. */
  watch: CallWatch | undefined;
}

/** Starts it, for as long as the test runs. */
export async function startChaosSystem(
  t: TestContext,
  options: { workers?: number; isWatched?: boolean; simulatorEnv?: NodeJS.ProcessEnv } = {},
): Promise<ChaosSystem> {
  const SIMULATOR_DATA = temporaryFolder(t);
  const workerEnv = { LEASE_MS: String(leaseMs) };
  let watch: CallWatch | undefined;
  const system = await startSystem({
    processors: [{ id: processor }],
    simulatorEnv: () => ({ SIMULATOR_DATA, ...options.simulatorEnv }),
    workerEnv,
    between: async (port) => {
      if (options.isWatched) watch = await watchCalls(port);
      return watch?.port ?? port;
    },
  });
  t.after(async () => {
    await system.stop();
    await watch?.stop();
  });
  const workers = [system.worker];
  while (workers.length < (options.workers ?? 2)) {
    const worker = await startWorker({ natsUrl: system.nats.url, env: workerEnv });
    t.after(() => worker.stop());
    workers.push(worker);
  }
  const instance = new KatoClient(`127.0.0.1:${system.simulator.port}`, { waitForReady: true });
  t.after(() => instance.close());
  const truth = await LogTruth.open(system.nats.url, processor);
  t.after(() => truth.close());
  return { ...system, workers, instance, truth, watch };
}

/** Resolves once everything in the log is applied and the processor is ready. */
export async function untilApplied(
  system: Pick<ChaosSystem, "truth" | "request">,
  limitMs = 30_000,
): Promise<void> {
  let last: number | undefined;
  await until(
    "all commands are applied",
    async () => {
      last ??= await system.truth.last();
      const { state, applied } = await viewOf(system.request, processor);
      return state === "ready" && applied >= last;
    },
    limitMs,
  );
}

/**
 * Resets the processor, as if it were new. Gives the sequence of the ClearAllMemory with which a round
 * begins.
 */
export async function freshStart(system: Pick<ChaosSystem, "truth" | "request">): Promise<number> {
  await untilApplied(system);
  for (const [path, body] of [
    ["/genes/change", { data: { max_sequence_length: 0, recall_threshold: 0.1 } }],
    ["/start-predicting", undefined],
    ["/clear-all-memory", undefined],
  ] as const) {
    const answer = await system.request("POST", `/${processor}${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    if (path === "/clear-all-memory") return Number(answer.headers["kato-sequence"]);
  }
  return 0;
}

/** The worker that applies the processor's commands. */
export async function ownerOf({ request, workers }: ChaosSystem): Promise<Service> {
  const { worker } = await viewOf(request, processor);
  const owner = workers.find(({ pid }) => worker.endsWith(`-${pid}`));
  assert.ok(owner, worker);
  return owner;
}

/**
 * Sends a command, again and again while the answer says that it had no effect, until it is done. Gives how
 * many ms that took.
 */
export async function insistOn(system: ChaosSystem, path: string, body?: unknown): Promise<number> {
  const startedAt = performance.now();
  await until(`POST ${path} is done`, async () => {
    const { status, json, text } = await system.request("POST", path, body);
    if (status < 300) return true;
    if (json.effect !== "none") throw new Error(text);
    return false;
  });
  return performance.now() - startedAt;
}
