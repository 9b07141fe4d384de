/** The places where a simulator can be told to die (docs/recovery.md, last paragraph), in the order they are reached. */
export const places = [
  "observe-before-tick",
  "observe-after-tick",
  "observe-before-answer",
  "learn-after-clear",
  "learn-after-model",
  "learn-after-symbols",
  "learn-before-answer",
  "autolearn-after-clear",
  "autolearn-after-model",
  "autolearn-after-symbols",
  "autolearn-before-answer",
  "clear-before-answer",
  "command-before-answer",
] as const;

export type Place = (typeof places)[number];

/** Called at each place when it is reached. */
export type Reach = (place: Place) => void;

/** At which reaching of a place, counted from 1, it is to die. */
export type Faults = Partial<Record<Place, number>>;

/** The faults of `learn-after-model:1,observe-after-tick:20`; each thing wrong with it is told to `problem`. */
export function parseFaults(texts: readonly string[], problem: (what: string) => void): Faults {
  const faults: Faults = {};
  for (const text of texts) {
    const [name, count = "1", ...rest] = text.split(":");
    const place = places.find((known) => known === name);
    if (!place) problem(`names no place of ${places.join(", ")}: "${text}"`);
    else if (!/^[1-9]\d*$/.test(count) || rest.length > 0) problem(`has no count from 1: "${text}"`);
    else faults[place] = Number(count);
  }
  return faults;
}

/** Counts the places reached, and calls `die` where one of the faults says so. */
export function countingFaults(faults: Faults, die: () => void): Reach {
  const reached = new Map<Place, number>();
  return (place) => {
    const count = (reached.get(place) ?? 0) + 1;
    reached.set(place, count);
    if (faults[place] === count) die();
  };
}
