import type { Events, Prediction } from "../../../libs/client/types/processor.ts";
import type { Paint, Style } from "./style.ts";
import { printable } from "./style.ts";
import { widthOf } from "./table.ts";

/** What can stand beside a prediction. */
export const figures = [
  "potential",
  "confidence",
  "evidence",
  "similarity",
  "frequency",
  "fragmentation",
  "hamiltonian",
  "grand_hamiltonian",
  "entropy",
  "itfdf_similarity",
  "confluence",
  "snr",
  "name",
] as const satisfies (keyof Prediction)[];
export type Figure = (typeof figures)[number];

/** A symbol or a brace, with its colour. */
interface Piece {
  text: string;
  style?: Style;
}

const separator = " | ";
const gap = "  ";
/** So much is left of the past and of the future, however narrow the terminal is. */
const narrowest = 8;

/**
 * Draws predictions, one a line: past, present and future, aligned, each event in braces. In the present a symbol
 * that was not observed is marked with -, and behind it stand with + those that were observed and are not the
 * model's. The past is cut at its beginning and the future at its end, where the width is not enough.
 */
export function drawPredictions(
  predictions: readonly Prediction[],
  asked: readonly Figure[],
  { width, paint }: { width: number; paint: Paint },
): string[] {
  const rows = predictions.map((prediction) => ({
    past: piecesOf(prediction.past),
    present: presentOf(prediction),
    future: piecesOf(prediction.future),
    figures: asked.map((figure) => figureText(prediction[figure])),
  }));
  const titles = { past: "PAST", present: "PRESENT", future: "FUTURE" };
  const widest = (part: keyof typeof titles) =>
    Math.max(titles[part].length, ...rows.map((row) => lengthOf(row[part])));
  const figureWidths = asked.map((figure, index) =>
    Math.max(figure.length, ...rows.map((row) => row.figures[index]?.length ?? 0)),
  );
  const figuresWidth = figureWidths.reduce((sum, each) => sum + gap.length + each, 0);
  const besidesEvents = 2 * separator.length + figuresWidth;
  const present = Math.min(widest("present"), Math.max(narrowest, width - besidesEvents - 2 * narrowest));
  const besides = present + besidesEvents;
  const room = Math.max(2 * narrowest, width - besides);
  const past = Math.min(
    widest("past"),
    Math.max(narrowest, room - Math.min(widest("future"), Math.floor(room / 2))),
  );
  const future = Math.min(widest("future"), Math.max(narrowest, room - past));

  const head = [titles.past.padStart(past), titles.present.padEnd(present), titles.future.padEnd(future)];
  const lines = rows.map((row) =>
    [
      [
        painted(ending(row.past, past), paint, past, "start"),
        painted(beginning(row.present, present), paint, present),
      ],
      [painted(beginning(row.future, future), paint, future)],
    ]
      .flat()
      .join(separator),
  );
  const withFigures = (line: string, texts: readonly string[]) =>
    [line, ...texts.map((text, index) => text.padStart(figureWidths[index] ?? 0))].join(gap).trimEnd();
  return [
    paint(
      withFigures(
        head.join(separator),
        asked.map((figure) => figure.toUpperCase()),
      ),
      "bold",
    ),
    ...lines.map((line, index) => withFigures(line, rows[index]?.figures ?? [])),
  ];
}

function piecesOf(events: Events): Piece[] {
  return eventPieces(events.map((event) => event.map((symbol) => ({ text: printable(symbol) }))));
}

/** Of a symbol that stands in several events the last ones count as missing: those before it were observed first. */
function presentOf({ present, missing, extras }: Prediction): Piece[] {
  const left = [...missing];
  const events = present
    .toReversed()
    .map((event) =>
      event
        .toReversed()
        .map((symbol): Piece => {
          const at = left.indexOf(symbol);
          if (at < 0) return { text: printable(symbol), style: "green" };
          left.splice(at, 1);
          return { text: `-${printable(symbol)}`, style: "red" };
        })
        .toReversed(),
    )
    .toReversed();
  const others = extras.flatMap((symbol): Piece[] => [
    { text: " " },
    { text: `+${printable(symbol)}`, style: "yellow" },
  ]);
  return [...eventPieces(events), ...others];
}

function eventPieces(events: readonly (readonly Piece[])[]): Piece[] {
  return events.flatMap((event, at) => [
    { text: at === 0 ? "{" : " {" },
    ...event.flatMap((piece, index) => (index === 0 ? [piece] : [{ text: " " }, piece])),
    { text: "}" },
  ]);
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** The beginning that fits. */
function beginning(pieces: readonly Piece[], width: number): Piece[] {
  if (lengthOf(pieces) <= width) return [...pieces];
  const shown = [...pieces];
  while (shown.length > 0 && lengthOf(shown) > width - 1) shown.pop();
  return [...shown, { text: "…" }];
}

/** The end that fits. */
function ending(pieces: readonly Piece[], width: number): Piece[] {
  return beginning(pieces.toReversed(), width).toReversed();
}

function painted(pieces: readonly Piece[], paint: Paint, width: number, at: "start" | "end" = "end"): string {
  const padding = " ".repeat(Math.max(0, width - lengthOf(pieces)));
  const text = pieces.map(({ text, style }) => paint(text, style)).join("");
  return at === "start" ? padding + text : text + padding;
}

function figureText(value: string | number): string {
  if (typeof value === "string") return value;
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
