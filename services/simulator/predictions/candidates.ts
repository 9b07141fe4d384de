import type { Knowledge, Model } from "../memory/knowledge.ts";
import type { WorkingMemory } from "../memory/working-memory.ts";
import type { Block } from "../python/difflib.ts";
import { matchingBlocks } from "../python/difflib.ts";
import { Failure } from "../python/failure.ts";

/** A model that working memory recalls, and how the two fit (docs/kato.md, "Predictions"). */
export interface Candidate {
  readonly model: Model;
  readonly similarity: number;
  readonly blocks: readonly Block[];
  readonly matches: string[];
  readonly past: string[][];
  readonly present: string[][];
  readonly future: string[][];
  readonly missing: string[];
  readonly extras: string[];
}

/** The models whose similarity reaches the threshold, the earliest learned first. */
export function candidatesOf(memory: WorkingMemory, knowledge: Knowledge, threshold: number): Candidate[] {
  // A model that shares no symbol has similarity 0.
  const models = threshold > 0 ? memory.relatedModels(knowledge) : knowledge.models.values();
  const candidates: Candidate[] = [];
  for (const model of models) {
    const shorter = Math.min(model.flat.length, memory.flat.length);
    if (similarityOf(shorter, model, memory) < threshold) continue;
    const blocks = matchingBlocks(model.flat, memory.flat.length, memory.positions);
    const matched = blocks.reduce((sum, { size }) => sum + size, 0);
    const similarity = similarityOf(matched, model, memory);
    if (similarity >= threshold) candidates.push(candidate(model, memory, blocks, similarity));
  }
  return candidates.sort((left, right) => left.model.order - right.model.order);
}

function similarityOf(matched: number, model: Model, memory: WorkingMemory): number {
  return (2 * matched) / (model.flat.length + memory.flat.length);
}

function candidate(
  model: Model,
  memory: WorkingMemory,
  blocks: readonly Block[],
  similarity: number,
): Candidate {
  const [first, last] = [blocks[0], blocks.at(-1)];
  // Only a threshold of 0 comes here.
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
    extras: unmatched(
      memory,
      matchingBlocks(model.flat.slice(from, to), memory.flat.length, memory.positions),
    ),
  };
}

/**
 * Whole events: up to the one that `from` lies in counts as past, up to that of `to` as present. Then KATO moves the last past
 * one to the present if it holds the first matched symbol: so it does when `from` lies within an event, but also when the
 * event before happens to hold that symbol too.
 */
function splitEvents(sequence: readonly string[][], from: number, to: number, firstMatch: string) {
  let [symbols, event] = [0, 0];
  const eventAfter = (position: number) => {
    while (symbols < position) symbols += sequence[event++]?.length ?? 0;
    return event;
  };
  let start = eventAfter(from);
  const end = eventAfter(to);
  if (sequence[start - 1]?.includes(firstMatch)) start--;
  return { past: sequence.slice(0, start), present: sequence.slice(start, end), future: sequence.slice(end) };
}

function unmatched(memory: WorkingMemory, blocks: readonly Block[]): string[] {
  const symbols: string[] = [];
  let next = 0;
  for (const { b, size } of blocks) {
    symbols.push(...memory.flat.slice(next, b));
    next = b + size;
  }
  return symbols.concat(memory.flat.slice(next));
}
