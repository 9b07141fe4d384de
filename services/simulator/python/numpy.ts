import { exponentialHalfEven } from "./builtins.ts";

// How numpy 1.x prints a one-dimensional array of float64. The name of a vector is a hash of that text
// (docs/kato.md, "Predictions", last paragraph). The constants are numpy's defaults.

const precision = 8;
const lineWidth = 75;
/** A longer array is printed with its first and last items only. */
const summaryThreshold = 1000;
const edgeItems = 3;

/** The text of `str(numpy.array(values))`, for example `[1.  2.5 3. ]`. The values have to be finite. */
export function printArray(values: readonly number[]): string {
  if (values.length === 0) return "[]";
  const summarised = values.length > summaryThreshold;
  const shown = summarised ? [...values.slice(0, edgeItems), ...values.slice(-edgeItems)] : values;
  const words = needsExponent(shown) ? exponentWords(shown) : plainWords(shown);
  if (summarised) words.splice(edgeItems, 0, "...");
  return wrapped(words);
}

function needsExponent(values: readonly number[]): boolean {
  let [smallest, largest] = [Number.POSITIVE_INFINITY, 0];
  for (const value of values) {
    if (value === 0) continue;
    smallest = Math.min(smallest, Math.abs(value));
    largest = Math.max(largest, Math.abs(value));
  }
  return largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
}

function plainWords(values: readonly number[]): string[] {
  const parts = values.map((value) => {
    const [whole = "", fraction = ""] = positional(Math.abs(value)).split(".");
    return { whole: sign(value) + whole, fraction };
  });
  const left = Math.max(...parts.map(({ whole }) => whole.length));
  const right = Math.max(...parts.map(({ fraction }) => fraction.length));
  return parts.map(({ whole, fraction }) => `${whole.padStart(left)}.${fraction.padEnd(right)}`);
}

function exponentWords(values: readonly number[]): string[] {
  const digits = Math.max(...values.map((value) => fractionLength(Math.abs(value))));
  const parts = values.map((value) => {
    const [mantissa = "", exponent = ""] = exponentialHalfEven(Math.abs(value), digits).split("e");
    const [whole = "", fraction = ""] = mantissa.split(".");
    return { whole: sign(value) + whole, fraction, exponent };
  });
  const left = Math.max(...parts.map(({ whole }) => whole.length));
  const width = Math.max(2, ...parts.map(({ exponent }) => exponent.length - 1));
  return parts.map(({ whole, fraction, exponent }) => {
    const power = exponent.slice(0, 1) + exponent.slice(1).padStart(width, "0");
    return `${whole.padStart(left)}.${fraction}e${power}`;
  });
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

/**
 * The shortest decimal that is this value, with at most `precision` digits after the point. The value has to
 * be 0, or from 1e-4 up to 1e8.
 */
function positional(value: number): string {
  const shortest = String(value);
  const fraction = shortest.split(".")[1] ?? "";
  if (fraction.length <= precision) return shortest;
  const power = Number(value.toExponential().split("e")[1]);
  return String(Number(exponentialHalfEven(value, precision + power)));
}

/** How many digits after the point the value needs in scientific notation, `precision` at most. */
function fractionLength(value: number): number {
  const [, fraction = ""] = value.toExponential().match(/\.(\d*)e/) ?? [];
  if (fraction.length <= precision) return fraction.length;
  const [, rounded = ""] = exponentialHalfEven(value, precision).match(/\.(\d*?)0*e/) ?? [];
  return rounded.length;
}

function wrapped(words: readonly string[]): string {
  let text = "";
  let line = " ";
  words.forEach((word, at) => {
    // numpy keeps one column free for the closing bracket.
    if (line.length + word.length > lineWidth - 1) {
      text += `${line.trimEnd()}\n`;
      line = " ";
    }
    line += word;
    if (at < words.length - 1) line += " ";
  });
  return `[${(text + line).slice(1)}]`;
}
