import { streamOf } from "../../libs/commands/names.ts";
import { startNatsCluster } from "../fixtures/nats-cluster.ts";
import {
  sender,
  startGateway,
  startSimulatorProcess,
  startWorker,
  until,
  untilUsable,
} from "../fixtures/system.ts";
import type { Figure } from "./rounds.ts";
import { figureOf } from "./rounds.ts";

const kills = 7;
const limitMs = 60_000;
const replicated = { NATS_REPLICAS: "3", LOG_LEVEL: "error" };

/**
 * From the SIGKILL of the NATS server that leads a processor's log to the first Observe that is answered with a 200, in ms; the
 * baseline is the election: to the moment at which the log has a new leader.
 */
export async function natsFailover(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = await startNatsCluster();
  stack.defer(() => nats.stop());
  const simulator = await startSimulatorProcess({ MANIFEST: JSON.stringify({ id: "p1" }) });
  stack.defer(async () => void (await simulator.stop()));
  const KATO_PROCESSORS = JSON.stringify({ p1: `127.0.0.1:${simulator.port}` });
  const gateway = await startGateway({ natsUrl: nats.url, env: { ...replicated, KATO_PROCESSORS } });
  stack.defer(async () => void (await gateway.stop()));
  const worker = await startWorker({ natsUrl: nats.url, env: replicated });
  stack.defer(async () => void (await worker.stop()));
  await untilUsable(gateway.url);
  const request = sender(gateway.url);
  const isDone = async () => (await request("POST", "/p1/observe", { strings: ["a"] })).status === 200;

  const value: number[] = [];
  const baseline: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const leader = await nats.leaderOf(streamOf("p1"));
    await leader.kill();
    const killedAt = performance.now();
    const elected = nats.leaderOf(streamOf("p1")).then(() => performance.now() - killedAt);
    await until("an Observe is done", isDone, limitMs);
    value.push(performance.now() - killedAt);
    baseline.push(await elected);
    await leader.restart();
    await nats.untilWhole();
  }
  const facts = { name: "nats_failover", unit: "ms", goal: "no longer than the election" };
  return [figureOf(facts, { value, baseline }, (ms) => ms)];
}
