import type { Static } from "typebox";
import type { PageQuery } from "./schemas.ts";

const defaultLimit = 100;
const maxLimit = 1_000;

/** The page of a list that a request asks for: from which sequence on, and how many. */
export function pageOf({ from = "0", limit }: Static<typeof PageQuery>): { from: number; limit: number } {
  const asked = limit === undefined ? defaultLimit : Number(limit);
  return { from: Number(from), limit: Math.min(Math.max(asked, 1), maxLimit) };
}

/** What tells the client where the list goes on, when there may be more. */
export function nextPage(shown: readonly { sequence: number }[], limit: number): { next?: number } {
  const last = shown.at(-1);
  return last && shown.length === limit ? { next: last.sequence + 1 } : {};
}
