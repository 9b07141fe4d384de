import { decodeRequest, encodeRequest } from "../../../libs/kato/codec.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { comparePositions } from "../checkpoint/position.ts";
import { byCodePoint } from "../steps/code-points.ts";
import { eventOfStrings } from "../steps/event-of-strings.ts";
import type { Step } from "../steps/step.ts";
import { ownUniqueId } from "./own-observe.ts";

/** One Observe of a rebuild. */
export interface Replayed {
  request: Uint8Array;
  hasSymbols: boolean;
  /** The event that it has to make again; null where it made none, as an Observe of vectors that failed. */
  event: string[] | null;
}

/** What a rebuild sends to an instance that has lost what is volatile (docs/recovery.md, Rebuilding). */
export interface RebuildPlan {
  /** Observes of vectors alone, so that the next Learn stores them; working memory is cleared after them. */
  vectors: { request: Uint8Array; symbols: string[]; sum: number[] }[];
  /** Working memory and emotives, in order. */
  events: Replayed[];
  /** Which of `events` is observed with predicting on, -1 for none. */
  predictAt: number;
  /** Why the outcome may differ from what was there, "" when it will not. */
  degraded: string;
}

/**
 * Makes the plan from the Observes since the first that is needed. Those with vectors are replayed as the symbols
 * that they got, as a vector observed again may get other neighbours; with their vectors only where the symbols are not in
 * code-point order, in which strings would be sorted.
 */
export function planRebuild(checkpoint: Checkpoint, observes: readonly Step[]): RebuildPlan {
  const { replayFrom, keptEvent, settings } = checkpoint;
  const plan: RebuildPlan = { vectors: [], events: [], predictAt: -1, degraded: "" };
  if (keptEvent) {
    const request = encodeRequest("Observe", { strings: keptEvent, unique_id: ownUniqueId });
    plan.events.push({ request, hasSymbols: true, event: keptEvent });
    if (settings.predictedLast) plan.predictAt = 0;
    if (!isSorted(keptEvent))
      plan.degraded = "an event kept by an auto-learn changes the order of its symbols";
  }
  for (const step of observes) {
    const head = readObservationFields(step.request);
    const kept = checkpoint.vectorEvents.find(({ at }) => comparePositions(at, step.at) === 0)?.symbols;
    if (head.hasVectors) plan.vectors.push(vectorOf(step, kept ?? []));
    if (comparePositions(step.at, replayFrom) < 0) continue;
    const isReplaced = head.hasVectors && kept !== undefined && isSorted(kept);
    plan.events.push({
      request: isReplaced ? withSymbols(step.request, kept) : step.request,
      hasSymbols: head.hasSymbols,
      event: head.hasVectors ? (kept ?? null) : eventOfStrings(step.request),
    });
    if (head.hasSymbols && settings.predictedLast) plan.predictAt = plan.events.length - 1;
  }
  return plan;
}

/** Whether what is amiss is what a rebuild looks at anew. */
export function isOfWorkingMemory(degraded: string): boolean {
  return degraded.startsWith("working memory has");
}

/** Why working memory is not what the plan should have made it, "" when it is; a failed Observe may have made no event. */
export function differenceOf(plan: RebuildPlan, count: number, workingMemory: readonly string[][]): string {
  if (plan.events.length > 0 && workingMemory.length !== count) {
    return `working memory has ${workingMemory.length} events after a rebuild where ${count} were expected`;
  }
  const wanted = eventsOf(plan);
  const isSame = JSON.stringify(wanted) === JSON.stringify(workingMemory);
  return isSame || wanted.length !== count ? "" : "events with vectors got other symbols in a rebuild";
}

/** As `differenceOf`, where only the number of symbols in working memory can be had. */
export function differenceInSize(plan: RebuildPlan, symbols: number): string {
  const expected = eventsOf(plan).reduce((sum, event) => sum + event.length, 0);
  if (symbols === expected) return "";
  return `working memory has ${symbols} symbols after a rebuild where ${expected} were expected`;
}

/** The events that the plan makes in working memory. */
export function eventsOf(plan: RebuildPlan): string[][] {
  return plan.events.flatMap(({ hasSymbols, event }) => (hasSymbols && event ? [event] : []));
}

function vectorOf(step: Step, symbols: string[]) {
  const { vectors = [] } = decodeRequest("Observe", Buffer.from(step.request));
  const numbers = vectors.map((vector) => vector.map(Number));
  const sum = (numbers[0] ?? []).map((_, index) =>
    numbers.reduce((total, vector) => total + (vector[index] ?? 0), 0),
  );
  return { request: encodeRequest("Observe", { vectors, unique_id: ownUniqueId }), symbols, sum };
}

function withSymbols(request: Uint8Array, symbols: string[]): Uint8Array {
  const observation = decodeRequest("Observe", Buffer.from(request));
  return encodeRequest("Observe", { ...observation, strings: symbols, vectors: [] });
}

function isSorted(symbols: readonly string[]): boolean {
  return symbols.every((symbol, index) => index === 0 || byCodePoint(symbols[index - 1] ?? "", symbol) <= 0);
}
