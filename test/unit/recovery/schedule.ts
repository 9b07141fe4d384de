import assert from "node:assert/strict";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { decodeRecallThresholdChange } from "../../../libs/kato/compound-commands.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { comparePositions } from "../../../services/worker/checkpoint/position.ts";
import type { Told } from "./applier.ts";
import { live } from "./applier.ts";
import type { HistoryCommand } from "./history.ts";
import { SimulatedInstance } from "./instance.ts";
import type { Fault } from "./world.ts";
import { World } from "./world.ts";

export interface Schedule {
  seed: number;
  history: HistoryCommand[];
  faults: Fault[];
  /** Nothing may differ for what KATO does not let anybody restore. */
  isExact?: boolean;
}

/** Of a schedule's end, what working memory must not be held to (docs/recovery.md, limits 1 and 3). */
const inexact = ["an event kept", "events with vectors got other"];

/** Runs a schedule; resolves with how many points it has passed, and throws where its end, or what was told on the way, is not what it has to be. */
export async function run(
  { seed, history, faults, isExact = false }: Schedule,
  story: string[] = [],
): Promise<number> {
  const world = new World(seed, faults, story);
  const log = history.map((command) => ({ ...command }));
  const told: Told[] = [];
  const recorded: Told[] = [];
  let degraded = "";
  for (;;) {
    const { life, death } = world.live();
    const end = await Promise.race([
      death,
      live(
        world,
        life,
        log,
        (one) => recorded.push(one),
        (one) => told.push(one),
      ),
    ]);
    if (end === "killed") continue;
    degraded = end.current.degraded;
    const { interval, offset } = end.current;
    world.settle();
    checkTold(told, recorded, log);
    const { instance, ticks } = reference(
      recorded,
      faults.some(({ kind }) => kind === "mongo"),
    );
    assert.equal(interval, world.instance.interval, "the checkpoint's interval is the instance's");
    assert.equal(interval + offset, ticks, "clients' interval counts their Observes");
    assert.deepEqual(world.instance.torn, [], "no model is torn");
    const isInexact = !isExact && inexact.some((start) => degraded.startsWith(start));
    if (!isInexact) assert.equal(snapshot(world.instance), snapshot(instance));
    const excused = [...inexact, "a Learn was torn", "an auto-learn of vectors"];
    assert.ok(degraded === "" || excused.some((start) => degraded.startsWith(start)), degraded);
    return world.points;
  }
}

/** Each command is told once in a life, never otherwise in a later one, and the interval never goes back. */
function checkTold(told: Told[], recorded: Told[], log: HistoryCommand[]): void {
  const seen = new Set<string>();
  for (const { step, life } of recorded) {
    const { sequence, step: index } = step.at;
    const place = `${sequence}.${index} in life ${life}`;
    assert.ok(!seen.has(place), `${place} is told twice`);
    seen.add(place);
  }
  for (const { step, result } of told) {
    // An Observe has ticked whether it failed or not; the rest must not end otherwise.
    if (step.method === "Observe") continue;
    const last = recorded.findLast((other) => comparePositions(other.step.at, step.at) === 0)?.result.outcome;
    const { outcome } = result;
    const isSame = last === outcome || last === "unknown" || outcome === "unknown";
    assert.ok(isSame, `${step.at.sequence} ${step.method} was told ${outcome}, then it was ${last}`);
  }
  for (const command of log) {
    assert.ok(
      recorded.some(
        ({ step, result }) =>
          step.at.sequence === command.sequence && (step.isLast || result.outcome !== "applied"),
      ),
      `${command.sequence} was never told`,
    );
  }
}

/** What the same history leaves without faults, given what failed, and how often it ticked. */
function reference(told: Told[], wasMongoAway: boolean): { instance: SimulatedInstance; ticks: number } {
  const last = new Map<string, Told>();
  for (const one of told) last.set(`${one.step.at.sequence}.${one.step.at.step}`, one);
  const instance = new SimulatedInstance();
  let ticks = 0;
  for (const { step, result } of [...last.values()].sort((a, b) => comparePositions(a.step.at, b.step.at))) {
    const { method, request } = step;
    const { outcome, detail } = result;
    const isObserve = method === "Observe";
    if (outcome === "unknown") throw new Unprovable();
    if (isObserve && !detail.startsWith("KATO could not")) ticks++;
    if (method === "ClearAllMemory" && outcome === "applied") ticks = 0;
    if (outcome === "applied" || (isObserve && detail === "")) {
      // What fails is a vector's dimension, for good, or MongoDB was away.
      instance.isMongoAway = outcome === "failed" && wasMongoAway;
      const isDone = applyTo(instance, method, request);
      instance.isMongoAway = false;
      const place = `${step.at.sequence}.${step.at.step} ${method}`;
      assert.equal(isDone, outcome === "applied", `${place} was told ${outcome}`);
    } else if (isObserve && detail.includes("auto-learn failed")) {
      loseEvents(instance, request);
    } else if (method === "Learn" && outcome === "failed") {
      // Where there are vectors MongoDB was not away, so it failed over the emotives.
      instance.learnVectors();
    }
    for (const one of told) {
      if (comparePositions(one.step.at, step.at) !== 0 || one.result.outcome !== "applied") continue;
      assert.equal(one.interval, ticks, `${step.at.sequence}.${step.at.step}: the interval that it was told`);
    }
  }
  return { instance, ticks };
}

/** A schedule that meets what KATO does not let anybody restore (docs/recovery.md, limit 4). */
export class Unprovable extends Error {}

/** Whether it succeeded. */
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
  toEnd(instance, "Observe", request);
  instance.learnVectors();
  toEnd(instance, "ClearWorkingMemory", new Uint8Array());
  if (max_sequence_length !== undefined) instance.genes.max_sequence_length = max_sequence_length;
}

function toEnd(instance: SimulatedInstance, method: Method, request: Uint8Array): boolean {
  const running = instance.call(method, request);
  let step = running.next();
  while (!step.done) step = running.next();
  return step.value.kind === "response" && !readResponseFields(step.value.bytes).failed;
}

/** What has to be the same in the end. */
function snapshot(instance: SimulatedInstance): string {
  const { kept, events, emotives, observedVectors, genes, searched, predicting, sleeping } = instance;
  const models = [...kept.models].map(([name, { symbols, frequency, emotives }]) => [
    name,
    symbols.join(" "),
    frequency,
    emotives,
  ]);
  const sorted = <T>(items: Iterable<T>) => [...items].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const vectors = sorted([...observedVectors].filter((value) => !kept.vectors.has(value)));
  const named = Object.entries(genes).sort();
  return JSON.stringify(
    {
      models: sorted(models),
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
