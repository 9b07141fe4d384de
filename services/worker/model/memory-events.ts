import { decodeRequest } from "../../../libs/kato/codec.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";

/**
 * Compares two strings as KATO sorts them: by code points, as Python does. JavaScript's own order is by
 * UTF-16 code units.
 */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}

/** Whether these symbols are in the order in which KATO would sort them as strings. */
export function isSorted(symbols: readonly string[]): boolean {
  return symbols.every((symbol, index) => index === 0 || byCodePoint(symbols[index - 1] ?? "", symbol) <= 0);
}

/**
 * The event that an Observe of strings makes in working memory; `[]` if it makes none. Null for an Observe
 * with vectors, because only KATO knows which symbols they get.
 */
export function eventOfStrings(request: Uint8Array): string[] | null {
  // Vectors can be many numbers, so they are not decoded.
  if (readObservationFields(request).hasVectors) return null;
  const { strings = [] } = decodeRequest("Observe", Buffer.from(request));
  return strings.toSorted(byCodePoint);
}

/**
 * Whether an Observe can have made this event. Only KATO knows which symbols vectors get. They come before the
 * strings, and there is at least one.
 */
export function canMake(request: Uint8Array, event: readonly string[]): boolean {
  const { strings = [] } = decodeRequest("Observe", Buffer.from(request));
  const ofVectors = event.slice(0, Math.max(0, event.length - strings.length));
  if (readObservationFields(request).hasVectors !== ofVectors.length > 0) return false;
  if (!ofVectors.every((symbol) => symbol.startsWith("VECTOR|"))) return false;
  return JSON.stringify(event.slice(ofVectors.length)) === JSON.stringify(strings.toSorted(byCodePoint));
}

/** How many symbols these events have together. */
export function countSymbols(events: readonly string[][]): number {
  return events.reduce((sum, event) => sum + event.length, 0);
}
