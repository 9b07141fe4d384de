import { createHash } from "node:crypto";

/**
 * The name KATO gives to a learned sequence of events: sha1 of the sequence as Python prints a list of lists
 * of strings (docs/kato.md, RPC by RPC). `""` for one symbol or none, which KATO does not learn.
 */
export function modelName(events: readonly (readonly string[])[]): string {
  if (events.reduce((symbols, event) => symbols + event.length, 0) < 2) return "";
  const hash = createHash("sha1");
  let printed = "[";
  for (const [index, event] of events.entries()) {
    printed += `${index > 0 ? ", " : ""}[${event.map(pythonRepr).join(", ")}]`;
    if (printed.length < hashedAtOnce) continue;
    hash.update(printed, "utf8");
    printed = "";
  }
  return `MODEL|${hash.update(`${printed}]`, "utf8").digest("hex")}`;
}

/** Characters; a call of the hash for each event costs more than the hashing. */
const hashedAtOnce = 65_536;

/** A string as Python's repr prints it. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll(perhapsEscaped, (character) => reprOf(character, quote)) + quote;
}

/** Python prints what is in no category "Other" or "Separator", the space aside. */
const perhapsEscaped = /(?! )[\\'"\p{C}\p{Z}]/gu;

const shortEscapes = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** A character that is not printed as it is, but for a quote of the other kind. */
function reprOf(character: string, quote: string): string {
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

/** A name as the wire has it, whether it came with its prefix or without. */
export function withPrefix(prefix: "MODEL|" | "VECTOR|", name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

/** The name in a Learn's message, "" for KATO's "None": there was nothing to learn. */
export function learnedName(message = ""): string {
  return message === "None" ? "" : message;
}
