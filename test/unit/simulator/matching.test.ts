import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WorkingMemory } from "../../../services/simulator/memory/working-memory.ts";
import type { Block } from "../../../services/simulator/python/difflib.ts";
import { matchingBlocks } from "../../../services/simulator/python/difflib.ts";

function blocksOf(first: string, second: string): number[][] {
  const { flat, positions } = new WorkingMemory([[...second]]);
  return matchingBlocks([...first], flat.length, positions).map(({ a, b, size }) => [a, b, size]);
}

test("matching blocks are those of difflib.SequenceMatcher(None, a, b, autojunk=False)", () => {
  const cases: [string, string, number[][]][] = [
    ["", "", []],
    ["", "abc", []],
    ["abc", "", []],
    ["abc", "xyz", []],
    ["abcd", "bcde", [[1, 0, 3]]],
    [
      "abxcd",
      "abcd",
      [
        [0, 0, 2],
        [3, 2, 2],
      ],
    ],
    [" abcd", "abcd abcd", [[0, 4, 5]]],
    ["ab", "ba", [[0, 1, 1]]],
    [
      "qabxcd",
      "abycdf",
      [
        [1, 0, 2],
        [4, 3, 2],
      ],
    ],
    ["ab", "acab", [[0, 2, 2]]],
    [
      "aabb",
      "abab",
      [
        [1, 0, 2],
        [3, 3, 1],
      ],
    ],
    [
      "abcabba",
      "cbabac",
      [
        [0, 2, 2],
        [2, 5, 1],
      ],
    ],
  ];
  for (const [first, second, blocks] of cases) assert.deepEqual(blocksOf(first, second), blocks, first);
});

/**
 * The longest run, found by trying every one. Of equally long ones it is the earliest in the first list, then
 * in the second.
 */
function longestRun(first: string, second: string): Block {
  let best: Block = { a: 0, b: 0, size: 0 };
  for (let a = 0; a < first.length; a++) {
    for (let b = 0; b < second.length; b++) {
      let size = 0;
      while (a + size < first.length && first[a + size] === second[b + size]) size++;
      if (size > best.size) best = { a, b, size };
    }
  }
  return best;
}

/** The pairs that match: those of the longest run, then those to its left and to its right. */
function matchedPairs(first: string, second: string, a = 0, b = 0): string[] {
  const run = longestRun(first, second);
  if (run.size === 0) return [];
  const [endA, endB] = [run.a + run.size, run.b + run.size];
  return [
    ...matchedPairs(first.slice(0, run.a), second.slice(0, run.b), a, b),
    ...Array.from({ length: run.size }, (_, at) => `${a + run.a + at}:${b + run.b + at}`),
    ...matchedPairs(first.slice(endA), second.slice(endB), a + endA, b + endB),
  ];
}

test("the blocks are those that are found by trying every run, joined where they touch", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 14 });
  fc.assert(
    fc.property(text, text, (first, second) => {
      const blocks = blocksOf(first, second);
      const pairs = blocks.flatMap(([a = 0, b = 0, size = 0]) =>
        Array.from({ length: size }, (_, at) => `${a + at}:${b + at}`),
      );
      assert.deepEqual(pairs, matchedPairs(first, second));
      blocks.forEach(([a = 0, b = 0, size = 0], at) => {
        assert.notDeepEqual([a + size, b + size], blocks[at + 1]?.slice(0, 2));
      });
    }),
    { numRuns: 500 },
  );
});
