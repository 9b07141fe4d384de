/**
 * A run of symbols that two sequences share: `size` symbols, at index `a` of the first and index `b` of the
 * second.
 */
export interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** For each symbol of a sequence its indexes there, in rising order. */
export type Positions = ReadonlyMap<string, readonly number[]>;

/**
 * The blocks that `first` shares with a second sequence, as Python's
 * `difflib.SequenceMatcher(autojunk=False)` finds them (docs/kato.md, "Predictions"). They are in order, and
 * blocks that touch are joined. The empty block with which `get_matching_blocks` ends its list is left out.
 */
export function matchingBlocks(
  first: readonly string[],
  secondLength: number,
  secondPositions: Positions,
): Block[] {
  const found: Block[] = [];
  const open = [{ aFrom: 0, aTo: first.length, bFrom: 0, bTo: secondLength }];
  for (let range = open.pop(); range; range = open.pop()) {
    const block = longestMatch(first, secondPositions, range);
    if (block.size === 0) continue;
    found.push(block);
    open.push({ ...range, aTo: block.a, bTo: block.b });
    open.push({ ...range, aFrom: block.a + block.size, bFrom: block.b + block.size });
  }
  return joined(found.sort((left, right) => left.a - right.a));
}

interface Range {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

/**
 * The longest run within the range; of several equally long ones, the earliest in the first sequence, then
 * the earliest in the second.
 */
function longestMatch(first: readonly string[], positions: Positions, range: Range): Block {
  let best: Block = { a: range.aFrom, b: range.bFrom, size: 0 };
  if (range.bFrom >= range.bTo) return best;
  let lengthEndingAt = new Map<number, number>();
  for (let a = range.aFrom; a < range.aTo; a++) {
    const next = new Map<number, number>();
    for (const b of positions.get(first[a] ?? "") ?? []) {
      if (b < range.bFrom) continue;
      if (b >= range.bTo) break;
      const size = (lengthEndingAt.get(b - 1) ?? 0) + 1;
      next.set(b, size);
      if (size > best.size) best = { a: a - size + 1, b: b - size + 1, size };
    }
    lengthEndingAt = next;
  }
  return best;
}

function joined(blocks: readonly Block[]): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    if (last && last.a + last.size === block.a && last.b + last.size === block.b) {
      result[result.length - 1] = { ...last, size: last.size + block.size };
    } else {
      result.push(block);
    }
  }
  return result;
}
