import type { Paint, Style } from "./style.ts";
import { printable } from "./style.ts";

/** A column of a table: how it is called, and what a row has there. */
export interface Column<Row> {
  title: string;
  value: (row: Row) => string | number | boolean | null | undefined;
  align?: "right";
  style?: (row: Row) => Style | undefined;
}

const gap = "  ";

/**
 * Rows as lines, with their titles. The last column takes what is left of the width, and is cut where that is not
 * enough. So is every line.
 */
export function tableOf<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, paint }: { width: number; paint: Paint },
): string[] {
  const cells = rows.map((row) => columns.map(({ value }) => cellOf(value(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => widthOf(row[index] ?? ""))),
  );
  const lineOf = (texts: readonly string[], styleOf: (index: number) => Style | undefined) => {
    let left = width;
    return texts
      .map((text, index) => {
        const isLast = index === texts.length - 1;
        const place = index === 0 ? 0 : gap.length;
        const shown = cut(text, Math.max(0, left - place));
        const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - widthOf(shown)));
        const isRight = columns[index]?.align === "right";
        const painted = paint(shown, styleOf(index));
        left -= place + (widths[index] ?? 0);
        return isRight ? padding + painted : painted + (isLast ? "" : padding);
      })
      .join(gap)
      .trimEnd();
  };
  return [
    lineOf(
      columns.map(({ title }) => title),
      () => "bold",
    ),
    ...rows.map((row, at) => lineOf(cells[at] ?? [], (index) => columns[index]?.style?.(row))),
  ];
}

function cellOf(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? "-" : printable(String(value));
}

/** How many columns a text takes: those of Asia take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += isWide(char.codePointAt(0) ?? 0) ? 2 : 1;
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff)
  );
}

/** The beginning of a text that is no wider than that, with … where something is left out. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = "";
  for (const char of text) {
    if (widthOf(shown + char) > width - 1) break;
    shown += char;
  }
  return width > 0 ? `${shown}…` : "";
}
