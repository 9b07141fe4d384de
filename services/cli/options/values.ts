import { InvalidArgumentError } from "commander";
import { anyNumber } from "./numbers.ts";

// Options that may be given several times. Each is read into what was read before.

/** A vector, as `1,0.5,-2`. */
export function vectorOf(text: string, before: number[][] = []): number[][] {
  return [...before, text.split(",").map((number) => anyNumber(number))];
}

/** `name=text` */
export function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It has to be name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `name=number` */
export function emotivePair(text: string, before: Record<string, number> = {}): Record<string, number> {
  const pairs = Object.entries(pair(text)).map(([name, value]) => [name, anyNumber(value)]);
  return { ...before, ...Object.fromEntries(pairs) };
}

/** Words with commas between. */
export function words(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
