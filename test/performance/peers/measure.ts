import { setTimeout as sleep } from "node:timers/promises";
import { cpuTimeMs } from "../cpu-time.ts";
import { residentMb } from "../fleet-run.ts";
import { load, observeRequest } from "../load.ts";
import type { Figure } from "../rounds.ts";
import { figureOf, percentile } from "../rounds.ts";
import type { PeerSide, PeerSides } from "./peer-sides.ts";
import { clear } from "./peer-sides.ts";

const manyConnections = 32;
const observations = Array.from({ length: 1_000 }, (_, index) => ({
  strings: ["alpha", `beta-${index}`],
  emotives: { joy: 0.5 },
  metadata: { source: "bench" },
  unique_id: `obs-${String(index).padStart(16, "0")}`,
}));
const settleMs = 10_000;
const idleMs = 5_000;

interface Round {
  latenciesMs: number[];
  perSecond: number;
  cpuMsPerRequest: number;
}

/** What one side measured, round by round. */
export type Measured<T> = Map<PeerSide, T[]>;

/**
 * Measures the sides in turns, so that whatever else the machine does hits all of them alike. The first rounds do
 * not count.
 */
async function inTurns<T>(
  sides: PeerSide[],
  rounds: { warmUp: number; counted: number },
  measure: (side: PeerSide) => Promise<T>,
): Promise<Measured<T>> {
  const measured: Measured<T> = new Map(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds.warmUp + rounds.counted; round++) {
    for (const side of sides) {
      const value = await measure(side);
      if (round >= rounds.warmUp) measured.get(side)?.push(value);
    }
  }
  return measured;
}

/** A line for each side but the proxy, which is the baseline of all. */
export function figuresOf<T>(
  { proxy, others }: PeerSides,
  facts: { name: string; unit: string },
  measured: Measured<T>,
  of: (round: T) => number,
): Figure[] {
  const baseline = measured.get(proxy) ?? [];
  return others.flatMap((side) => {
    const value = measured.get(side) ?? [];
    if (value.length === 0) return [];
    const { unit } = facts;
    const figure = figureOf(
      { name: `${facts.name}_${side.name}`, unit, goal: "none" },
      { value, baseline },
      of,
    );
    return [{ ...figure, durability: side.durability }];
  });
}

/** How long one client waits for an Observe, as `sync_c1` of `npm run bench`. */
export async function latencyFigures(sides: PeerSides, suffix: string): Promise<Figure[]> {
  const all = [...sides.others, sides.proxy];
  // One connection alone would take long to have all code compiled.
  for (const side of all) await round(side, manyConnections, 2_000);
  const measured = await inTurns(all, { warmUp: 2, counted: 11 }, (side) => round(side, 1, 600));
  const facts = { name: `sync_c1${suffix}`, unit: "ms p50" };
  return figuresOf(sides, facts, measured, ({ latenciesMs }) => percentile(latenciesMs, 0.5));
}

/** How many Observes 32 clients get through, and what one costs, as `sync_c32` and `cpu_per_request`. */
export async function throughputFigures(sides: PeerSides, suffix: string): Promise<Figure[]> {
  const all = [...sides.others, sides.proxy];
  const measured = await inTurns(all, { warmUp: 1, counted: 9 }, (side) =>
    round(side, manyConnections, 1_200),
  );
  const of = (name: string, unit: string, value: (round: Round) => number) =>
    figuresOf(sides, { name: `${name}${suffix}`, unit }, measured, value);
  return [
    ...of("sync_c32", "requests/s", ({ perSecond }) => perSecond),
    ...of("p99_c32", "ms p99", ({ latenciesMs }) => percentile(latenciesMs, 0.99)),
    ...of("cpu_per_request", "ms CPU", ({ cpuMsPerRequest }) => cpuMsPerRequest),
  ];
}

/** So many clients that observe on all processors for a while. */
async function round(side: PeerSide, connections: number, ms: number): Promise<Round> {
  const requests = Array.from({ length: connections }, (_, index) =>
    observeRequest(side.paths[index % side.paths.length] ?? ""),
  );
  const cpuBefore = cpuTimeMs(side.pids);
  const { requests: count, elapsedMs, latenciesMs } = await load(side.port, requests, ms);
  const cpuMs = cpuTimeMs(side.pids) - cpuBefore;
  await clear(side);
  return { latenciesMs, perSecond: (count * 1_000) / elapsedMs, cpuMsPerRequest: cpuMs / count };
}

/**
 * How fast many observations on one processor are accepted, and applied, where they are handed in with one request.
 * The proxy has no such request, so its baseline is what 32 clients get through it.
 */
export async function bulkFigures(sides: PeerSides, suffix: string): Promise<Figure[]> {
  const all = [...sides.others.filter(({ enqueue }) => enqueue), sides.proxy];
  const measured = await inTurns(all, { warmUp: 1, counted: 3 }, async (side) => {
    const asked = { ...side, paths: side.paths.slice(0, 1) };
    if (!side.enqueue) {
      const { perSecond } = await round(asked, manyConnections, 600);
      return { accepted: perSecond, applied: perSecond };
    }
    const startedAt = performance.now();
    await side.enqueue(observations);
    const accepted = rateSince(startedAt);
    await clear(asked);
    return { accepted, applied: rateSince(startedAt) };
  });
  const of = (name: string, value: (round: { accepted: number; applied: number }) => number) =>
    figuresOf(sides, { name: `${name}${suffix}`, unit: "observations/s" }, measured, value);
  return [
    ...of("bulk_accepted", ({ accepted }) => accepted),
    ...of("bulk_applied", ({ applied }) => applied),
  ];
}

function rateSince(startedAt: number): number {
  return (observations.length * 1_000) / (performance.now() - startedAt);
}

/** What each side holds in memory some seconds after the load, and what it takes of one core while nobody asks it. */
export async function restingFigures(sides: PeerSides, suffix: string): Promise<Figure[]> {
  const all = [...sides.others.filter(({ startMs }) => startMs !== undefined), sides.proxy];
  await sleep(settleMs);
  const before = new Map(all.map((side) => [side, cpuTimeMs(side.pids)]));
  const since = performance.now();
  await sleep(idleMs);
  const seconds = (performance.now() - since) / 1_000;
  const resting: Measured<{ mb: number; idle: number }> = new Map(
    all.map((side) => {
      const idle = (cpuTimeMs(side.pids) - (before.get(side) ?? 0)) / seconds;
      return [side, [{ mb: side.pids.reduce((sum, pid) => sum + residentMb(pid), 0), idle }]];
    }),
  );
  const figures = figuresOf(sides, { name: `memory${suffix}`, unit: "MB" }, resting, ({ mb }) => mb);
  const idle = figuresOf(sides, { name: "idle", unit: "" }, resting, (each) => each.idle);
  return figures.map((figure, index) => ({
    ...figure,
    idleCpuMsPerSecond: idle[index]?.value ?? Number.NaN,
  }));
}
