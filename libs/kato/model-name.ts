import { createHash } from "node:crypto";

/**
 * The name that KATO gives to a sequence of events when it learns it: `MODEL|` and the SHA-1 of the text that
 * Python prints for the list of lists of strings (docs/kato.md, "RPC by RPC"). It is "" for one symbol or
 * none, as KATO does not learn that.
 */
export function modelName(events: readonly (readonly string[])[]): string {
  if (events.reduce((symbols, event) => symbols + event.length, 0) < 2) return "";
  const hash = createHash("sha1");
  let printed = "[";
  for (const [index, event] of events.entries()) {
    printed += `${index > 0 ? ", " : ""}[${event.map(pythonRepr).join(", ")}]`;
    if (printed.length < chunkLength) continue;
    hash.update(printed, "utf8");
    printed = "";
  }
  return `MODEL|${hash.update(`${printed}]`, "utf8").digest("hex")}`;
}

/** Characters that are hashed with one call. A call for each event would cost more than the hashing. */
const chunkLength = 65_536;

/** A string as Python's `repr` prints it. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll(escapable, (character) => escaped(character, quote)) + quote;
}

/**
 * What `repr` may have to escape: backslash, quotes, and Unicode's categories "Other" and "Separator" except
 * the space.
 */
const escapable = /(?! )[\\'"\p{C}\p{Z}]/gu;

const shortEscapes = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** How `repr` prints an escapable character in a text that stands between `quote`s. */
function escaped(character: string, quote: string): string {
  if (character === quote) return `\\${character}`;
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (character === "'" || character === '"') return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${hex.padStart(4, "0")}`;
  return `\\U${hex.padStart(8, "0")}`;
}

/** The name with its prefix, which may be there already. */
export function withPrefix(prefix: "MODEL|" | "VECTOR|", name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

/** The model's name in the `message` of a Learn; "" if that is "None": then there was nothing to learn. */
export function learnedName(message = ""): string {
  return message === "None" ? "" : message;
}
