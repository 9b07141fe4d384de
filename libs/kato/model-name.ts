import { createHash } from "node:crypto";

/**
 * The name KATO gives to a learned sequence of events: sha1 of the sequence as Python prints a list of lists of
 * strings (KATO.md, RPC by RPC). `""` for one symbol or none, which KATO does not learn.
 */
export function modelName(events: readonly (readonly string[])[]): string {
  if (events.reduce((symbols, event) => symbols + event.length, 0) < 2) return "";
  const printed = `[${events.map((event) => `[${event.map(pythonRepr).join(", ")}]`).join(", ")}]`;
  return `MODEL|${createHash("sha1").update(printed, "utf8").digest("hex")}`;
}

/** A string as Python's repr prints it. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let printed = "";
  for (const character of text) printed += reprOf(character, quote);
  return quote + printed + quote;
}

const shortEscapes = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** Python prints what is in no category "Other" or "Separator", the space aside. */
const printable = /^[^\p{C}\p{Z}]$/u;

function reprOf(character: string, quote: string): string {
  if (character === quote) return `\\${character}`;
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (character === " " || printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${hex.padStart(4, "0")}`;
  return `\\U${hex.padStart(8, "0")}`;
}
