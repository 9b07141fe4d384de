import { decodeRequest, encodeRequest } from "../../../libs/kato/codec.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { DegradationCode } from "../checkpoint/degradation.ts";
import { countSymbols, eventOfStrings, isSorted } from "../model/memory-events.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { gatewayUniqueId } from "./gateway-observe.ts";

/** One Observe of a rebuild. */
export interface PlannedObserve {
  request: Uint8Array;
  hasSymbols: boolean;
  /**
   * The event that it has to make again. Null if it made none, for example an Observe of vectors that failed.
   */
  event: string[] | null;
}

/** What a rebuild sends to an instance that has lost what is volatile (docs/recovery.md, Rebuilding). */
export interface RebuildPlan {
  /** Observes of vectors alone, so that the next Learn stores them. Working memory is cleared after them. */
  vectors: { request: Uint8Array; symbols: string[]; sum: number[] }[];
  /** Observes that restore working memory and emotives, in order. */
  events: PlannedObserve[];
  /** The index in `events` of the Observe that is made with predicting on; -1 for none. */
  predictAt: number;
  /** Why the result may differ from what was there before; undefined if it will not. */
  deviation: Deviation | undefined;
}

/** Why the result of a rebuild differs from what was there before. */
export interface Deviation {
  code: DegradationCode;
  detail: string;
}

/**
 * Makes the plan from the Observes since the first that is needed. An Observe with vectors is made again with
 * the symbols that its vectors got, because the vectors themselves might get other neighbours now. KATO would
 * sort these symbols as strings. So if they are not in code-point order, the vectors are sent all the same.
 */
export function planRebuild(checkpoint: Checkpoint, observes: readonly Step[]): RebuildPlan {
  const { replayFrom, keptEvent, settings, vectorEvents } = checkpoint;
  const plan: RebuildPlan = { vectors: [], events: [], predictAt: -1, deviation: undefined };
  if (keptEvent) {
    const request = encodeRequest("Observe", { strings: keptEvent, unique_id: gatewayUniqueId });
    plan.events.push({ request, hasSymbols: true, event: keptEvent });
    if (settings.predictedLast) plan.predictAt = 0;
    if (!isSorted(keptEvent)) {
      const detail = "an event kept by an auto-learn changes the order of its symbols";
      plan.deviation = { code: "kept-event-reordered", detail };
    }
  }
  const symbolsAt = new Map(vectorEvents.map(({ at, symbols }) => [`${at.sequence}.${at.step}`, symbols]));
  for (const step of observes) {
    const head = readObservationFields(step.request);
    const symbols = symbolsAt.get(`${step.at.sequence}.${step.at.step}`);
    if (head.hasVectors) plan.vectors.push(vectorsOf(step, symbols ?? []));
    if (comparePositions(step.at, replayFrom) < 0) continue;
    const isReplaced = head.hasVectors && symbols !== undefined && isSorted(symbols);
    plan.events.push({
      request: isReplaced ? withSymbols(step.request, symbols) : step.request,
      hasSymbols: head.hasSymbols,
      event: head.hasVectors ? (symbols ?? null) : eventOfStrings(step.request),
    });
    if (head.hasSymbols && settings.predictedLast) plan.predictAt = plan.events.length - 1;
  }
  return plan;
}

/**
 * How working memory differs from what the plan should have made; undefined if it does not. A failed Observe
 * may have made no event.
 */
export function deviationOf(
  plan: RebuildPlan,
  count: number,
  workingMemory: readonly string[][],
): Deviation | undefined {
  if (workingMemory.length !== count) {
    const detail = `working memory has ${workingMemory.length} events after a rebuild where ${count} were expected`;
    return { code: "working-memory-differs", detail };
  }
  const wanted = eventsOf(plan);
  if (wanted.length !== count || JSON.stringify(wanted) === JSON.stringify(workingMemory)) return undefined;
  return { code: "vectors-differ", detail: "events with vectors got other symbols in a rebuild" };
}

/** As `deviationOf`, for a working memory of which only the number of symbols can be read. */
export function deviationInSize(plan: RebuildPlan, symbols: number): Deviation | undefined {
  const expected = countSymbols(eventsOf(plan));
  if (symbols === expected) return undefined;
  const detail = `working memory has ${symbols} symbols after a rebuild where ${expected} were expected`;
  return { code: "working-memory-differs", detail };
}

/** The events that the plan makes in working memory. */
export function eventsOf(plan: RebuildPlan): string[][] {
  return plan.events.flatMap(({ hasSymbols, event }) => (hasSymbols && event ? [event] : []));
}

function vectorsOf(step: Step, symbols: string[]): RebuildPlan["vectors"][number] {
  const { vectors = [] } = decodeRequest("Observe", Buffer.from(step.request));
  const request = encodeRequest("Observe", { vectors, unique_id: gatewayUniqueId });
  return { request, symbols, sum: sumOfVectors(step.request) };
}

/** The sum of an Observe's vectors. That is what KATO learns of them. */
export function sumOfVectors(request: Uint8Array): number[] {
  const { vectors = [] } = decodeRequest("Observe", Buffer.from(request));
  const numbers = vectors.map((vector) => vector.map(Number));
  return (numbers[0] ?? []).map((_, index) =>
    numbers.reduce((total, vector) => total + (vector[index] ?? 0), 0),
  );
}

function withSymbols(request: Uint8Array, symbols: string[]): Uint8Array {
  const observation = decodeRequest("Observe", Buffer.from(request));
  return encodeRequest("Observe", { ...observation, strings: symbols, vectors: [] });
}
