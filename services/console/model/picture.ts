import type { Events, Prediction } from "../../../libs/client/types/processor.ts";

export type Part = "past" | "matched" | "missing" | "future";

/** An event of a model, as it is drawn: each symbol with what it is to the observations. */
export interface PicturedEvent {
  time: "past" | "present" | "future";
  symbols: { symbol: string; part: Part }[];
}

/** The events of a prediction's model in a row: what was before, what is now, and what is to come. */
export function pictureOf({ past, present, future, missing }: Prediction): PicturedEvent[] {
  const absent = new Set(missing);
  const of = (time: PicturedEvent["time"], events: Events, partOf: (symbol: string) => Part) =>
    events.map((event) => ({ time, symbols: event.map((symbol) => ({ symbol, part: partOf(symbol) })) }));
  return [
    ...of("past", past, () => "past"),
    ...of("present", present, (symbol) => (absent.has(symbol) ? "missing" : "matched")),
    ...of("future", future, () => "future"),
  ];
}

/** The picture in words, for those who do not see it. */
export function pictureInWords({ past, present, future, missing, extras }: Prediction): string {
  const said = (title: string, events: Events) =>
    events.length === 0 ? "" : `${title}: ${events.map((event) => event.join(" and ")).join(", then ")}. `;
  const list = (title: string, symbols: readonly string[]) =>
    symbols.length === 0 ? "" : `${title}: ${symbols.join(", ")}. `;
  return (
    said("Past", past) +
    said("Present", present) +
    list("Missing", missing) +
    list("Extra", extras) +
    said("Future", future)
  ).trim();
}

/**
 * The events that are drawn at first: so many around the present. A model can have thousands. `before` and `after`
 * say how many are left out.
 */
export function aroundPresent(
  events: readonly PicturedEvent[],
  atMost: number,
): { shown: readonly PicturedEvent[]; before: number; after: number } {
  if (events.length <= atMost) return { shown: events, before: 0, after: 0 };
  const first = Math.max(
    events.findIndex(({ time }) => time !== "past"),
    0,
  );
  const before = Math.max(0, Math.min(first - Math.floor(atMost / 3), events.length - atMost));
  const shown = events.slice(before, before + atMost);
  return { shown, before, after: events.length - before - shown.length };
}
