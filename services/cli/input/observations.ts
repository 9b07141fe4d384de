import { isUtf8 } from "node:buffer";
import { createReadStream, statSync } from "node:fs";
import { extname } from "node:path";
import { CliError, exitCodes, usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import type { CsvColumns } from "./csv.ts";
import { observationOfRecord, recordsOfCsv } from "./csv.ts";
import { itemsOfJson } from "./json-items.ts";

export const inputFormats = ["ndjson", "json", "csv"] as const;
export type InputFormat = (typeof inputFormats)[number];

/** What is ingested. */
export interface Input {
  /** Its name in messages. */
  readonly name: string;
  /** How large it is; undefined where nobody knows. */
  readonly bytes: number | undefined;
  /** How much of it has been read, in its latest reading. */
  readBytes: number;
  /** Its observations, one a line, from the first on. */
  lines(): AsyncIterable<Uint8Array>;
}

const chunkBytes = 256 * 1024;
const joinedBytes = 64 * 1024;

/** The format that a file's name tells. */
export function formatOf(file: string): InputFormat {
  const extension = extname(file).toLowerCase();
  if (extension === ".csv") return "csv";
  return extension === ".json" ? "json" : "ndjson";
}

/** Opens a file, or standard input for `-`. Throws a usage error where there is no file that can be read. */
export function openInput(io: Io, file: string, format: InputFormat, columns: CsvColumns): Input {
  const name = file === "-" ? "standard input" : file;
  let wasRead = false;
  const input: Input = {
    name,
    bytes: file === "-" ? undefined : sizeOf(file),
    readBytes: 0,
    lines() {
      if (wasRead && file === "-") {
        const remedy = "the same again, with the same --idempotency-key, goes on";
        throw new CliError(
          exitCodes.unreachable,
          `the connection broke, and ${name} cannot be read again: ${remedy}`,
        );
      }
      wasRead = true;
      input.readBytes = 0;
      const bytes = file === "-" ? io.input.bytes() : createReadStream(file, { highWaterMark: chunkBytes });
      return linesOf(checked(bytes, input), format, columns, name);
    },
  };
  return input;
}

function sizeOf(file: string): number {
  try {
    const stat = statSync(file);
    if (!stat.isDirectory()) return stat.size;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : error;
    throw usage(`${file} cannot be read (${code === "ENOENT" ? "there is no such file" : code})`);
  }
  throw usage(`${file} is a folder`);
}

/** Counts what is read, and throws for what is no text. */
async function* checked(chunks: AsyncIterable<Uint8Array>, input: Input): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (input.readBytes === 0 && !isText(chunk)) throw usage(`${input.name} is no text`);
    input.readBytes += chunk.length;
    yield chunk;
  }
}

function isText(chunk: Uint8Array): boolean {
  if (chunk.includes(0)) return false;
  // A character of several bytes may be cut at the end of the chunk.
  return [0, 1, 2, 3].some((cut) => isUtf8(chunk.subarray(0, chunk.length - cut)));
}

async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  format: InputFormat,
  columns: CsvColumns,
  name: string,
): AsyncGenerator<Uint8Array> {
  if (format === "ndjson") return yield* chunks;
  const texts = textsOf(chunks);
  try {
    yield* joined(format === "json" ? jsonLines(texts) : csvLines(texts, columns));
  } catch (error) {
    if (error instanceof SyntaxError) throw usage(`${name} cannot be read as ${format}: ${error.message}`);
    throw error;
  }
}

async function* textsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}

/** What is no JSON is sent as one line, which the gateway refuses by its number. */
async function* jsonLines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const item of itemsOfJson(texts)) yield item.replaceAll(/[\r\n]+/g, " ");
}

/** The head is a blank line, so that lines have the numbers that they have in the file. */
async function* csvLines(texts: AsyncIterable<string>, columns: CsvColumns): AsyncGenerator<string> {
  let observationOf: ((cells: readonly string[]) => object) | undefined;
  for await (const record of recordsOfCsv(texts)) {
    if (observationOf) yield record.every((cell) => cell === "") ? "" : JSON.stringify(observationOf(record));
    else {
      observationOf = observationOfRecord(record, columns);
      yield "";
    }
  }
}

/** Lines as larger pieces. Each write of its own would cost more than the line. */
async function* joined(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = "";
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < joinedBytes) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}
