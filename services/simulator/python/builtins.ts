/** What KATO's answers take over from Python: how it writes JSON, sorts, rounds and reads a float32. */

/** A JSON text as `json.dumps` writes it: a space after every comma, ASCII only. */
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

/** The order of Python's strings, by code point; JavaScript's own is by UTF-16 unit. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  // Surrogates stand for code points above all of the basic plane.
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** `round(value, digits)`: of the exact binary value, a tie to the even digit. For |value| < 1e21. */
export function round(value: number, digits: number): number {
  const rounded = value.toFixed(digits);
  // A tie has exactly one digit more, so it is a multiple of 2 ** -(digits + 1): most values are not.
  if (!Number.isInteger(value * 2 ** (digits + 1))) return Number(rounded);
  const exact = value.toFixed(digits + 1);
  const isTieAfterEven = /[02468]\.?5$/.test(exact);
  return Number(isTieAfterEven ? exact.slice(0, -1) : rounded);
}

/** A float32 as protobuf's Python gives it: the fewest digits that name it, text where JSON has no number. */
export function plainFloat(value: number): number | "NaN" | "Infinity" | "-Infinity" {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  let digits = 5;
  let shortest = value;
  do shortest = Number(exponentialHalfEven(value, digits++));
  while (Math.fround(shortest) !== value);
  return shortest;
}

/** `toExponential`, but a tie goes to the even digit, as in Python and numpy. */
export function exponentialHalfEven(value: number, fractionDigits: number): string {
  const [mantissa = "", power = ""] = value.toExponential(100).split("e");
  const end = mantissa.indexOf(".") + 1 + fractionDigits;
  const isTieAfterEven = /[02468]\.?$/.test(mantissa.slice(0, end)) && /^50*$/.test(mantissa.slice(end));
  return isTieAfterEven ? `${mantissa.slice(0, end)}e${power}` : value.toExponential(fractionDigits);
}
