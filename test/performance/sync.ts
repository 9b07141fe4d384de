import { cpuTimeMs } from "./cpu-time.ts";
import type { LoadResult } from "./load.ts";
import { load, observeRequest } from "./load.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, median, percentile } from "./rounds.ts";
import type { Side, Sides } from "./sides.ts";
import { clearWorkingMemory, startSystemSide } from "./sides.ts";

interface Round extends LoadResult {
  cpuMs: number;
}

/** `connections` clients that observe on all processors for a while. */
async function round({ processors }: Sides, side: Side, connections: number, ms: number): Promise<Round> {
  const requests = Array.from({ length: connections }, (_, index) =>
    observeRequest(processors[index % processors.length] ?? ""),
  );
  const cpuBefore = cpuTimeMs(side.pids);
  const result = await load(side.port, requests, ms);
  const cpuMs = cpuTimeMs(side.pids) - cpuBefore;
  await clearWorkingMemory(side.port);
  return { ...result, cpuMs };
}

/** Until about 30,000 requests have come V8 compiles more and more of what they run. A gateway runs for days. */
const warmUpRequests = 30_000;
const warmUpRoundMs = 2_000;
/** On a machine that is slower than that the figures are taken with what is compiled by then. */
const warmUpRounds = 12;

async function warmUp(sides: Sides): Promise<void> {
  for (const side of [sides.gateway, sides.proxy]) {
    let requests = 0;
    for (let done = 0; done < warmUpRounds && requests < warmUpRequests; done++) {
      requests += (await round(sides, side, 32, warmUpRoundMs)).requests;
    }
  }
}

/** How long one client waits for an Observe. */
export async function syncLatency(sides: Sides): Promise<Figure[]> {
  await warmUp(sides);
  const measure = (side: Side) => () => round(sides, side, 1, 500);
  const rounds = await alternate(11, measure(sides.gateway), measure(sides.proxy));
  const figure = figureOf({ name: "sync_c1", unit: "ms p50", goal: "<= 2.0" }, rounds, ({ latenciesMs }) =>
    percentile(latenciesMs, 0.5),
  );
  return [{ ...figure, ...p99(rounds) }];
}

/** The same, where every command is on the disk before it is acknowledged. */
export async function syncLatencyAlways(sides: Sides): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const gateway = await startSystemSide(stack, ["sync_interval: always"]);
  const [figure] = await syncLatency({ ...sides, gateway: gateway.side });
  return figure ? [{ ...figure, name: "sync_c1_always", goal: "none" }] : [];
}

/** How many Observes 32 clients get through, and what one of them costs. */
export async function syncThroughput(sides: Sides): Promise<Figure[]> {
  await warmUp(sides);
  const measure = (side: Side) => () => round(sides, side, 32, 1_200);
  const rounds = await alternate(9, measure(sides.gateway), measure(sides.proxy));
  const throughput = figureOf(
    { name: "sync_c32", unit: "requests/s", goal: ">= 0.5" },
    rounds,
    ({ requests, elapsedMs }) => (requests * 1_000) / elapsedMs,
  );
  const cpu = figureOf(
    { name: "cpu_per_request", unit: "ms CPU", goal: "<= 2.8" },
    rounds,
    ({ cpuMs, requests }) => cpuMs / requests,
  );
  return [{ ...throughput, ...p99(rounds) }, cpu];
}

function p99(rounds: { value: Round[]; baseline: Round[] }) {
  const of = (side: Round[]) =>
    Number(median(side.map((r) => percentile(r.latenciesMs, 0.99))).toPrecision(4));
  return { p99Ms: of(rounds.value), baselineP99Ms: of(rounds.baseline) };
}
