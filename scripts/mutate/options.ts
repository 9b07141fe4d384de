import { parseArgs } from "node:util";
import type { MutationOfFile } from "../../test/mutations/all.ts";

/** A mutation with its number in the set, counted from 1. */
export type NumberedMutation = MutationOfFile & { number: number };

export const usage = `npm run mutate -- [--only 1-40,57] [--file worker/assignment] [--stages 1-3]
  --only    the numbers of the mutations to make; all by default
  --file    only mutations of files whose path has this text
  --stages  1: unit tests, 2: integration tests, 3: end-to-end and chaos tests; 1-3 by default`;

/** Reads the options. Throws with the usage where they make no sense. */
export function readOptions(
  args: string[],
  all: readonly MutationOfFile[],
): { chosen: NumberedMutation[]; stages: number[] } {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", default: `1-${all.length}` },
      file: { type: "string", default: "" },
      stages: { type: "string", default: "1-3" },
    },
  });
  const only = new Set(numbersOf(values.only, all.length));
  const chosen = all
    .map((mutation, index) => ({ ...mutation, number: index + 1 }))
    .filter(({ number, file }) => only.has(number) && file.includes(values.file));
  if (chosen.length === 0) throw new Error(`no mutation is chosen\n${usage}`);
  return { chosen, stages: numbersOf(values.stages, 3) };
}

/** The numbers of a list like `1-3,7`. */
function numbersOf(list: string, most: number): number[] {
  return list.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    if (!(first >= 1 && last >= first && last <= most)) throw new Error(`${part}?\n${usage}`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
