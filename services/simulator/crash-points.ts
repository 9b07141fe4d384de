/**
 * The places in the simulator's code where a test can have it die (`SIMULATOR_FAULT`), in the order they are
 * passed. They are the moments at which a crash leaves KATO half done (docs/recovery.md, "What cannot be
 * restored").
 */
export const crashPoints = [
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

/** The name of a crash point. */
export type CrashPoint = (typeof crashPoints)[number];

/** Called each time the simulator passes a crash point. */
export type OnCrashPoint = (point: CrashPoint) => void;

/** Where to die: at which passing of each crash point, counted from 1. */
export type Faults = Partial<Record<CrashPoint, number>>;

/**
 * Reads the items of SIMULATOR_FAULT, `point` or `point:count`: `learn-after-model:1`,
 * `observe-after-tick:20`. The count is 1 where it is left out. Each wrong item is reported to `problem` and
 * left out.
 */
export function parseFaults(items: readonly string[], problem: (what: string) => void): Faults {
  const faults: Faults = {};
  for (const item of items) {
    const [name, count = "1", ...rest] = item.split(":");
    const point = crashPoints.find((known) => known === name);
    if (!point) problem(`names no place of ${crashPoints.join(", ")}: "${item}"`);
    else if (!/^[1-9]\d*$/.test(count) || rest.length > 0) problem(`has no count from 1: "${item}"`);
    else faults[point] = Number(count);
  }
  return faults;
}

/** Counts how often each crash point is passed, and calls `die` when a count is that of a fault. */
export function countingFaults(faults: Faults, die: () => void): OnCrashPoint {
  const passed = new Map<CrashPoint, number>();
  return (point) => {
    const count = (passed.get(point) ?? 0) + 1;
    passed.set(point, count);
    if (faults[point] === count) die();
  };
}
