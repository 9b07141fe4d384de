import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { costs, ObjectShapes } from "./parsed-costs.ts";
import { invalid } from "./problem.ts";

/**
 * How many strings, arrays and objects a body may have; the name of a field counts as two. JSON.parse makes
 * an object of each, which takes some 0.4 µs. So a body of 8 MiB could block the process for a second
 * (docs/decisions/0025-limits-on-requests.md).
 */
export const maxValues = 100_000;

/** How many numbers a body may have. They cost little. KATO's 4 MiB have room for 381,000. */
export const maxNumbers = 1_000_000;

/** How deep arrays and objects may stand in each other. */
const maxDepth = 1_000;

/** A text of no more bytes is never refused. It can be neither too deep nor take `smallBytes`. */
export const alwaysFitsBytes = 1_000;

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
 * How much memory what is parsed may take, in bytes for each byte of the body. A body whose values take no more
 * than `smallBytes` may take more.
 */
const maxGrowth = 10;
const smallBytes = 1024 * 1024;

/**
 * Counts what JSON.parse would build of this text, in one pass and without building anything, and reckons how
 * many bytes of memory that takes. Throws TOO_LARGE if it is too much, and INVALID_INPUT if it is nested too
 * deeply. Text that is not JSON may pass.
 */
export function checkJsonSize(json: Uint8Array): { parsedBytes: number } {
  const maxParsedBytes = Math.max(smallBytes, maxGrowth * json.length);
  const shapes = new ObjectShapes();
  let parsedBytes = 0;
  let values = 0;
  let numbers = 0;
  let depth = 0;
  let stringAt = 0;
  let stringEnd = 0;
  let before = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte <= space) continue;
    if (byte === quote) {
      values++;
      stringAt = at + 1;
      at = stringEnd = endOfString(json, at + 1);
      parsedBytes += costs.string + stringEnd - stringAt;
    } else if (byte === openBracket || byte === openBrace) {
      values++;
      if (++depth > maxDepth) invalid("body", `is nested more than ${maxDepth} deep`);
      if (byte === openBrace) shapes.begin(depth);
      parsedBytes += byte === openBrace ? costs.object : costs.array;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
      if (byte === closeBrace && before === openBrace) parsedBytes += costs.emptyObject - costs.object;
    } else if (byte === colon) {
      values++;
      // The string was a name. Equal names are kept once.
      parsedBytes += shapes.nameCost(depth, json, stringAt, stringEnd);
      parsedBytes -= costs.string + stringEnd - stringAt;
    } else if (byte !== comma) {
      numbers++;
      parsedBytes += costs.number;
      at = endOfNumber(json, at + 1) - 1;
    }
    before = byte;
    if (values > maxValues) throw tooMany(`are more than ${maxValues} strings, arrays and objects`);
    if (numbers > maxNumbers) throw tooMany(`are more than ${maxNumbers} numbers`);
    if (parsedBytes > maxParsedBytes) {
      throw tooMany(`is so much that is small that it would take ${maxGrowth} times its size in memory`);
    }
  }
  return { parsedBytes };
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
  const detail = `There ${what} in it. Many observations can be sent as lines of NDJSON.`;
  return new GatewayError("TOO_LARGE", detail, { effect: "none" });
}
