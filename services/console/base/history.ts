import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { State } from "../model/states.ts";

/** How a processor stood at one moment. */
export interface Sample {
  atMs: number;
  state: State;
  depth: number;
  rate: number;
}

/** Five minutes, at a poll every two seconds. */
const keptSamples = 150;

const samples = new Map<string, Sample[]>();

/** Keeps how processors stand now, as the gateway tells only that. */
export function noteProcessors(processors: readonly Processor[], isWholeFleet: boolean): void {
  const atMs = Date.now();
  for (const { id, state, depth, rate } of processors) {
    const own = samples.get(id) ?? [];
    own.push({ atMs, state, depth: depth ?? 0, rate: rate ?? 0 });
    if (own.length > keptSamples) own.shift();
    samples.set(id, own);
  }
  if (!isWholeFleet || samples.size === processors.length) return;
  const registered = new Set(processors.map(({ id }) => id));
  for (const id of samples.keys()) if (!registered.has(id)) samples.delete(id);
}

/** How a processor has stood, oldest first, as far as this page has seen it. */
export const samplesOf = (id: string): readonly Sample[] => samples.get(id) ?? [];
