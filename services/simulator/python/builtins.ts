/**
 * What Python does differently from JavaScript, as far as KATO's answers show it: how it writes JSON, sorts
 * strings, rounds numbers, and prints a float32.
 */

/** A list of events as `json.dumps` writes it: with a space after every comma, and all but ASCII escaped. */
export function jsonDumps(events: readonly (readonly string[])[]): string {
  return jsonList(events.map((event) => jsonList(event.map(jsonString))));
}

function jsonList(items: readonly string[]): string {
  return `[${items.join(", ")}]`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Compares two strings as Python does, by code points. JavaScript's own order is by UTF-16 code units. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  // A surrogate is half of a code point above U+FFFF, so it comes after every other unit.
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Python's `round(value, digits)`: it rounds the exact binary value, and a tie goes to the even digit. Right
 * for values between -1e21 and 1e21.
 */
export function round(value: number, digits: number): number {
  const rounded = value.toFixed(digits);
  // A tie ends one digit after the last that is kept. So it is a multiple of 2 ** -(digits + 1), as few
  // values are.
  if (!Number.isInteger(value * 2 ** (digits + 1))) return Number(rounded);
  const exact = value.toFixed(digits + 1);
  const isTieAfterEven = /[02468]\.?5$/.test(exact);
  return Number(isTieAfterEven ? exact.slice(0, -1) : rounded);
}

/**
 * A float32 as protobuf gives it to Python's code: the shortest decimal that is this float32. What JSON has
 * no number for is a text: "NaN", "Infinity" or "-Infinity".
 */
export function plainFloat(value: number): number | "NaN" | "Infinity" | "-Infinity" {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  let digits = 5;
  let shortest = value;
  do shortest = Number(exponentialHalfEven(value, digits++));
  while (Math.fround(shortest) !== value);
  return shortest;
}

/** As `toExponential`, except that a tie goes to the even digit, as it does in Python and numpy. */
export function exponentialHalfEven(value: number, fractionDigits: number): string {
  const [mantissa = "", power = ""] = value.toExponential(100).split("e");
  const end = mantissa.indexOf(".") + 1 + fractionDigits;
  const isTieAfterEven = /[02468]\.?$/.test(mantissa.slice(0, end)) && /^50*$/.test(mantissa.slice(end));
  return isTieAfterEven ? `${mantissa.slice(0, end)}e${power}` : value.toExponential(fractionDigits);
}
