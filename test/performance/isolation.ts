import { startNats } from "../fixtures/nats-server.ts";
import type { Service } from "../fixtures/services.ts";
import { load, observeRequest } from "./load.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, percentile } from "./rounds.ts";
import {
  clearWorkingMemory,
  endpointsOf,
  startServices,
  startSimulators,
  untilReady,
  untilStates,
} from "./sides.ts";

const others = ["a1", "a2", "a3"];
/** In the order of their ids, as /processors lists them. */
const troubled = { down: "b-down", hung: "c-hung", queued: "d-queued" };
const queued = 100_000;
/**
 * An Observe takes a KATO as long as this and more, away from our CPU: instances that answer at once would
 * make it a figure of how many processes fit beside each other on this machine.
 */
const instanceEnv = { SIMULATOR_DELAY_MS: "2" };
const roundMs = 1_000;

/**
 * How long the clients of three processors wait, while a fourth's instance hangs, a fifth's is down and a
 * sixth works off 100,000 commands, against the same without any of that (A8). Trouble comes and goes in
 * turns: the queue is paused meanwhile.
 */
export async function isolation(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const simulators = await startSimulators(stack, [...others, ...Object.values(troubled)], instanceEnv);
  const endpoints = endpointsOf(simulators);
  const { gateway } = await startServices(stack, nats.url, endpoints);
  const { port, url } = gateway;
  await untilReady(url, simulators.size);
  await pause(port, true);
  await fill(port);

  const [hung, down] = [simulators.get(troubled.hung), simulators.get(troubled.down)] as [Service, Service];
  const measure = async () => {
    const { latenciesMs } = await load(
      port,
      others.map((processor) => observeRequest(processor)),
      roundMs,
    );
    await clearWorkingMemory(port, others);
    return latenciesMs;
  };
  const inTrouble = async () => {
    await down.stop();
    await hung.kill("SIGSTOP");
    await pause(port, false);
    await untilTroubled(url, ["down", "down", "applying"]);
    return measure();
  };
  const withoutTrouble = async () => {
    await pause(port, true);
    await hung.kill("SIGCONT");
    await down.restart();
    await untilTroubled(url, ["ready", "ready", "paused"]);
    return measure();
  };
  const rounds = await alternate(7, inTrouble, withoutTrouble);
  const figure = figureOf({ name: "isolation", unit: "ms p99", goal: "<= 1.5" }, rounds, (latenciesMs) =>
    percentile(latenciesMs, 0.99),
  );
  const left = await queueDepth(port, troubled.queued);
  if (left === 0)
    throw new Error("the queue was worked off before the end: there was nothing to be isolated from");
  return [{ ...figure, queuedAtEnd: left }];
}

async function untilTroubled(gatewayUrl: string, expected: string[]): Promise<void> {
  await untilStates(gatewayUrl, (states) => states.slice(others.length).join() === expected.join());
}

async function pause(port: number, isPaused: boolean): Promise<void> {
  const path = `/processors/${troubled.queued}/${isPaused ? "pause" : "resume"}`;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" });
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
}

async function fill(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/${troubled.queued}/observations`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: `${JSON.stringify({ strings: ["alpha", "beta"] })}\n`.repeat(queued),
  });
  const { accepted } = (await response.json()) as { accepted?: number };
  if (accepted !== queued) throw new Error(`${response.status}: ${accepted} of ${queued} were stored`);
}

async function queueDepth(port: number, id: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/processors/${id}`);
  return ((await response.json()) as { depth: number }).depth;
}
