import { streamOf } from "../../libs/commands/messages/subjects.ts";
import { startReplicatedSystem } from "../fixtures/replicated-system.ts";
import { until } from "../fixtures/until.ts";
import type { Figure } from "./rounds.ts";
import { figureOf } from "./rounds.ts";

const kills = 7;
const limitMs = 60_000;

/**
 * From the SIGKILL of the NATS server that leads a processor's log to the first Observe that is answered with
 * a 200, in ms; the baseline is the election: to the moment at which the log has a new leader.
 */
export async function natsFailover(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const { nats, request } = await startReplicatedSystem(stack, "p1");
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
