import type { Static } from "typebox";
import { Type } from "typebox";
import { SequenceText } from "./schemas.ts";

const defaultLimit = 100;
const maxLimit = 1_000;

/** The query string of a list that is ordered by sequence. */
export const PageQuery = Type.Object({
  from: Type.Optional(SequenceText),
  limit: Type.Optional(
    Type.String({
      pattern: "^\\d{1,4}$",
      description: "How many at most: 100 without it, never more than 1000",
    }),
  ),
});

/** The page that a request asks for: its first sequence, and how many items it has at most. */
export function pageOf({ from = "0", limit }: Static<typeof PageQuery>): { from: number; limit: number } {
  const asked = limit === undefined ? defaultLimit : Number(limit);
  return { from: Number(from), limit: Math.min(Math.max(asked, 1), maxLimit) };
}

/** The query string of a list that is ordered by id. */
export const IdPageQuery = Type.Object({
  from: Type.Optional(Type.String({ description: "The first id; the list is sorted by id" })),
  limit: Type.Optional(
    Type.String({ pattern: "^\\d{1,5}$", description: "How many at most; all without it" }),
  ),
});

/** The page of a sorted list that a request asks for, and where the list goes on after it. */
export function idPageOf<T extends { id: string }>(
  { from = "", limit }: Static<typeof IdPageQuery>,
  sorted: readonly T[],
): { shown: T[]; next: { next?: string } } {
  const entries = sorted.filter(({ id }) => id >= from);
  const shown = limit === undefined ? entries : entries.slice(0, Math.max(1, Number(limit)));
  const next = entries[shown.length]?.id;
  return { shown, next: next === undefined ? {} : { next } };
}

/** The answer's `next`: where the list goes on. Absent if the page shows the end. */
export function nextPage(shown: readonly { sequence: number }[], limit: number): { next?: number } {
  const last = shown.at(-1);
  return last && shown.length === limit ? { next: last.sequence + 1 } : {};
}
