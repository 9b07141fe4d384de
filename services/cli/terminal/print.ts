import type { Io } from "./io.ts";
import { painter, printable } from "./style.ts";
import type { Column } from "./table.ts";
import { tableOf } from "./table.ts";
import { timeOf } from "./time.ts";

export const formats = ["table", "json", "jsonl"] as const;
export type Format = (typeof formats)[number];

/** Prints data as it was asked for. */
export interface Printer {
  readonly format: Format;
  /** Several things of one kind. */
  list<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void;
  /** One thing: a table has its fields, one a line. */
  one(thing: object): void;
  /** What a person reads as `text`, and a program as `data`. */
  told(text: string, data: unknown): void;
}

export function printerOf(io: Io, format: Format, utc: boolean): Printer {
  const { out } = io;
  const paint = painter(io, out);
  const line = (text: string) => out.write(`${text}\n`);
  const json = (data: unknown) => line(JSON.stringify(data, undefined, format === "json" ? 2 : undefined));
  return {
    format,
    list(rows, columns) {
      if (format === "json") json(rows);
      else if (format === "jsonl") rows.forEach(json);
      else tableOf(rows, columns, { width: out.columns, paint }).forEach(line);
    },
    one(thing) {
      if (format !== "table") return json(thing);
      const entries = Object.entries(thing);
      const width = Math.max(0, ...entries.map(([name]) => name.length));
      for (const [name, value] of entries) {
        const isTime = typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
        const text = isTime ? timeOf(value, utc) : typeof value === "string" ? value : JSON.stringify(value);
        line(`${paint(name.padEnd(width), "bold")}  ${printable(text)}`);
      }
    },
    told(text, data) {
      if (format === "table") text.split("\n").map(printable).forEach(line);
      else json(data);
    },
  };
}
