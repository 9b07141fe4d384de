import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { invalid } from "./problem.ts";

/**
 * How many strings, arrays and objects a body may have; the name of a field counts as two. JSON.parse makes
 * an object of each: it takes some 0.4 µs and, in the smallest array, 25 times the bytes that the body has.
 * So a body of 8 MiB could block the process for a second (docs/decisions/0025-limits-on-requests.md).
 */
export const maxValues = 100_000;

/** How many numbers a body may have. They cost little. KATO's 4 MiB have room for 381,000. */
export const maxNumbers = 1_000_000;

/** How deep arrays and objects may stand in each other. */
const maxDepth = 1_000;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const space = 0x20;

/**
 * Counts what JSON.parse would build of this text, in one pass and without building anything. Throws
 * TOO_LARGE if it is too much, and INVALID_INPUT if it is nested too deeply. Text that is not JSON may pass.
 */
export function checkJsonSize(json: Uint8Array): { values: number } {
  let values = 0;
  let numbers = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === quote) {
      values++;
      at = endOfString(json, at + 1);
    } else if (byte === openBracket || byte === openBrace) {
      values++;
      if (++depth > maxDepth) invalid("body", `is nested more than ${maxDepth} deep`);
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
    } else if (byte === colon) {
      values++;
    } else if (byte !== comma && byte > space) {
      numbers++;
      at = endOfNumber(json, at + 1) - 1;
    }
    if (values > maxValues) throw tooMany(`${maxValues} strings, arrays and objects`);
    if (numbers > maxNumbers) throw tooMany(`${maxNumbers} numbers`);
  }
  return { values };
}

/** The place of the quotation mark that ends a string. */
function endOfString(json: Uint8Array, from: number): number {
  let at = from;
  for (; at < json.length && json[at] !== quote; at++) if (json[at] === backslash) at++;
  return at;
}

/** The place behind a number, or behind true, false or null. */
function endOfNumber(json: Uint8Array, from: number): number {
  let at = from;
  for (; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === comma || byte === closeBracket || byte === closeBrace || byte <= space) break;
  }
  return at;
}

function tooMany(what: string): GatewayError {
  const detail = `There are more than ${what} in it. Many observations can be sent as lines of NDJSON.`;
  return new GatewayError("TOO_LARGE", detail, { effect: "none" });
}
