import { startFleet, takeOver } from "./fleet-run.ts";
import { load, observeRequest } from "./load.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, percentile } from "./rounds.ts";
import type { Sides } from "./sides.ts";
import { clearWorkingMemory } from "./sides.ts";

/**
 * A thousand processors on one worker and one gateway: how long one client waits for an Observe, against the
 * same with three processors; and what it takes to start them, to keep them and to take them over. Their instances share
 * one process, whose CPU they share.
 */
export function fleet(sides: Sides): Promise<Figure[]> {
  return measureFleet(sides, { name: "fleet_1000", count: 1_000, limitMs: 120_000 });
}

/** The same with five thousand. */
export function largeFleet(sides: Sides): Promise<Figure[]> {
  return measureFleet(sides, { name: "fleet_5000", count: 5_000, limitMs: 600_000 });
}

async function measureFleet(
  sides: Sides,
  { name, count, limitMs }: { name: string; count: number; limitMs: number },
): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const started = await startFleet(stack, count, limitMs);
  const observe = (at: number, id: string) => async () => {
    const { latenciesMs } = await load(at, [observeRequest(id)], 1_000);
    await clearWorkingMemory(at, [id]);
    return latenciesMs;
  };
  const [three = ""] = sides.processors;
  const { gateway, details } = started;
  const rounds = await alternate(9, observe(gateway.port, "f0"), observe(sides.gateway.port, three));
  const figure = figureOf({ name, unit: "ms p50", goal: "<= 1.5" }, rounds, (latenciesMs) =>
    percentile(latenciesMs, 0.5),
  );
  const takeoverSeconds = await takeOver(stack, started, { count, limitMs });
  return [{ ...figure, ...details, takeoverSeconds }];
}
