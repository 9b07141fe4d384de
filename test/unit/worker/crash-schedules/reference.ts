import assert from "node:assert/strict";
import { encodeRequest } from "../../../../libs/kato/codec.ts";
import { decodeRecallThresholdChange } from "../../../../libs/kato/compound-commands.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import { isMethod } from "../../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../../libs/kato/wire-fields.ts";
import { comparePositions } from "../../../../services/worker/model/position.ts";
import type { Concluded } from "./schedule.ts";
import { SimulatedInstance } from "./simulated-instance.ts";

/**
 * Thrown for a schedule that meets something that KATO does not let anybody restore (docs/recovery-limits.md,
 * 4).
 */
export class Unprovable extends Error {}

/**
 * An undisturbed instance after the same steps, and how often it has ticked. It is given which of the steps
 * failed.
 */
export function reference(
  concluded: readonly Concluded[],
  wasMongoAway: boolean,
): { instance: SimulatedInstance; ticks: number } {
  const last = new Map<string, Concluded>();
  for (const one of concluded) last.set(`${one.step.at.sequence}.${one.step.at.step}`, one);
  const instance = new SimulatedInstance();
  let ticks = 0;
  for (const { step, outcome: end } of [...last.values()].sort((a, b) =>
    comparePositions(a.step.at, b.step.at),
  )) {
    const { method, request } = step;
    const { outcome, detail } = end;
    const isObserve = method === "Observe";
    if (outcome === "unknown") throw new Unprovable();
    if (isObserve && !detail.startsWith("KATO could not")) ticks++;
    if (method === "ClearAllMemory" && outcome === "applied") ticks = 0;
    if (outcome === "applied" || (isObserve && detail === "")) {
      // An Observe with vectors fails for good because of a vector's dimension. Anything else has failed
      // because MongoDB was away.
      instance.isMongoAway = outcome === "failed" && wasMongoAway;
      const isDone = applyTo(instance, method, request);
      instance.isMongoAway = false;
      const place = `${step.at.sequence}.${step.at.step} ${method}`;
      assert.equal(isDone, outcome === "applied", `${place} was told ${outcome}`);
    } else if (isObserve && detail.includes("auto-learn failed")) {
      loseEvents(instance, request);
    } else if (method === "Learn" && outcome === "failed") {
      // In a history with vectors MongoDB is never away. So it has failed because of the emotives.
      instance.learnVectors();
    }
    for (const one of concluded) {
      if (comparePositions(one.step.at, step.at) !== 0 || one.outcome.outcome !== "applied") continue;
      assert.equal(one.interval, ticks, `${step.at.sequence}.${step.at.step}: the interval that it was told`);
    }
  }
  return { instance, ticks };
}

/** Applies a call. Returns whether it succeeded. */
function applyTo(instance: SimulatedInstance, method: string, request: Uint8Array): boolean {
  if (isMethod(method)) return toEnd(instance, method, request);
  const { increment } = decodeRecallThresholdChange(request);
  const recall_threshold = Math.round((Number(instance.genes.recall_threshold) + increment) * 10) / 10;
  const genes = { recall_threshold };
  return (
    toEnd(instance, "UpdateGenes", encodeRequest("UpdateGenes", { genes })) &&
    toEnd(instance, "IncrementRecallThreshold", encodeRequest("IncrementRecallThreshold", { value: 0 }))
  );
}

function loseEvents(instance: SimulatedInstance, request: Uint8Array): void {
  const { max_sequence_length } = instance.genes;
  instance.genes.max_sequence_length = 0;
  // An Observe that fails by itself does not come to the Learn.
  if (toEnd(instance, "Observe", request)) instance.learnVectors();
  toEnd(instance, "ClearWorkingMemory", new Uint8Array());
  if (max_sequence_length !== undefined) instance.genes.max_sequence_length = max_sequence_length;
}

function toEnd(instance: SimulatedInstance, method: Method, request: Uint8Array): boolean {
  const running = instance.call(method, request);
  let step = running.next();
  while (!step.done) step = running.next();
  return step.value.kind === "response" && !readResponseFields(step.value.bytes).failed;
}

/** Everything that has to be the same in the end. `hasStatistics` says whether those of symbols have to be. */
export function snapshot(instance: SimulatedInstance, hasStatistics: boolean): string {
  const { kept, events, emotives, observedVectors, genes, searched, predicting, sleeping } = instance;
  const models = [...kept.models].map(([name, { events, frequency, emotives }]) => [
    name,
    events.flat().join(" "),
    frequency,
    emotives,
  ]);
  const sorted = <T>(items: Iterable<T>) => [...items].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const vectors = sorted([...observedVectors].filter((value) => !kept.vectors.has(value)));
  const named = Object.entries(genes).sort();
  const { learned, memberships } = kept;
  const statistics = hasStatistics && { symbols: sorted(kept.symbols), learned, memberships };
  return JSON.stringify(
    {
      models: sorted(models),
      statistics,
      known: sorted(kept.vectors),
      vectors,
      events,
      emotives,
      named,
      searched,
      predicting,
      sleeping,
    },
    null,
    1,
  );
}
