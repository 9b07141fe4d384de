import type { Knowledge, Model } from "../memory/knowledge.ts";
import type { WorkingMemory } from "../memory/working-memory.ts";
import type { Block } from "../python/difflib.ts";
import { matchingBlocks } from "../python/difflib.ts";
import { Failure } from "../python/failure.ts";

/** A model that is similar enough to working memory, and what the two share (docs/kato.md, "Predictions"). */
export interface Candidate {
  readonly model: Model;
  readonly similarity: number;
  /** The runs of symbols that the model (`a`) and working memory (`b`) share. */
  readonly blocks: readonly Block[];
  readonly matches: string[];
  readonly past: string[][];
  readonly present: string[][];
  readonly future: string[][];
  readonly missing: string[];
  readonly extras: string[];
}

/** The models whose similarity is `threshold` or more, in the order in which they were first learned. */
export function candidatesOf(memory: WorkingMemory, knowledge: Knowledge, threshold: number): Candidate[] {
  // A model that shares no symbol has similarity 0, so it is a candidate only at threshold 0.
  const models = threshold > 0 ? memory.relatedModels(knowledge) : knowledge.models.values();
  const candidates: Candidate[] = [];
  for (const model of models) {
    // No more symbols can match than the shorter of the two has: this spares the search for blocks.
    const mostMatches = Math.min(model.flat.length, memory.flat.length);
    if (similarityOf(mostMatches, model, memory) < threshold) continue;
    const blocks = matchingBlocks(model.flat, memory.flat.length, memory.positions);
    const matched = blocks.reduce((sum, { size }) => sum + size, 0);
    const similarity = similarityOf(matched, model, memory);
    if (similarity >= threshold) candidates.push(candidateOf(model, memory, blocks, similarity));
  }
  return candidates.sort((left, right) => left.model.order - right.model.order);
}

function similarityOf(matched: number, model: Model, memory: WorkingMemory): number {
  return (2 * matched) / (model.flat.length + memory.flat.length);
}

function candidateOf(
  model: Model,
  memory: WorkingMemory,
  blocks: readonly Block[],
  similarity: number,
): Candidate {
  const [first, last] = [blocks[0], blocks.at(-1)];
  // No block is possible only at threshold 0, where KATO fails so.
  if (!first || !last) throw new Failure("Exception", "\nException in ModelSearch: list index out of range");
  const matches = blocks.flatMap(({ b, size }) => memory.flat.slice(b, b + size));
  const [from, to] = [first.a, last.a + last.size];
  const events = splitEvents(model.sequence, from, to, matches[0] ?? "");
  const matchSet = new Set(matches);
  return {
    model,
    similarity,
    blocks,
    matches,
    ...events,
    missing: events.present.flat().filter((symbol) => !matchSet.has(symbol)),
    extras: symbolsOutside(
      memory,
      matchingBlocks(model.flat.slice(from, to), memory.flat.length, memory.positions),
    ),
  };
}

/**
 * Splits a model's events into past, present and future. `from` and `to` are where the first matched symbol
 * begins and the last one ends, as indexes into the model's symbols.
 *
 * An event that `from` lies within is counted to the past first. Then KATO moves the last event of the past
 * to the present if it has the first matched symbol. That puts such an event right. It also moves an event
 * that only happens to have the same symbol.
 */
function splitEvents(sequence: readonly string[][], from: number, to: number, firstMatch: string) {
  let [symbolCount, eventCount] = [0, 0];
  const eventsUpTo = (index: number) => {
    while (symbolCount < index) symbolCount += sequence[eventCount++]?.length ?? 0;
    return eventCount;
  };
  let start = eventsUpTo(from);
  const end = eventsUpTo(to);
  if (sequence[start - 1]?.includes(firstMatch)) start--;
  return { past: sequence.slice(0, start), present: sequence.slice(start, end), future: sequence.slice(end) };
}

/** The symbols of working memory that lie in none of the blocks, in order. */
function symbolsOutside(memory: WorkingMemory, blocks: readonly Block[]): string[] {
  const symbols: string[] = [];
  let next = 0;
  for (const { b, size } of blocks) {
    symbols.push(...memory.flat.slice(next, b));
    next = b + size;
  }
  return symbols.concat(memory.flat.slice(next));
}
