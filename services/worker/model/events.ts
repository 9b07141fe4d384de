import { decodeRequest } from "../../../libs/kato/codec.ts";

/**
 * Compares as KATO sorts, which is as Python does: by code point. JavaScript's own order is by UTF-16 unit.
 */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}

/** Whether these symbols stand in the order in which KATO would sort them as strings. */
export function isSorted(symbols: readonly string[]): boolean {
  return symbols.every((symbol, index) => index === 0 || byCodePoint(symbols[index - 1] ?? "", symbol) <= 0);
}

/**
 * The event that an Observe of strings makes in working memory, `[]` where it makes none. Null for an Observe
 * with vectors: which symbols those get, only KATO knows.
 */
export function eventOfStrings(request: Uint8Array): string[] | null {
  const { strings = [], vectors = [] } = decodeRequest("Observe", Buffer.from(request));
  return vectors.length > 0 ? null : strings.toSorted(byCodePoint);
}

/** How many symbols these events hold. */
export function countSymbols(events: readonly string[][]): number {
  return events.reduce((sum, event) => sum + event.length, 0);
}
