import { InvalidArgumentError } from "commander";

/** Reads an option or an argument that is a whole number. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It has to be a whole number.");
  return Number(text);
}

export function anyNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number))
    throw new InvalidArgumentError("It has to be a number.");
  return number;
}

/** A duration from now on, or a time: `30d`, `12h`, `10m`, `90s`, or ISO 8601. Gives ISO 8601. */
export function timeToCome(text: string): string {
  return new Date(momentOf(text, 1)).toISOString();
}

/** A duration before now, or a time. Gives ISO 8601. */
export function timeGone(text: string): string {
  return new Date(momentOf(text, -1)).toISOString();
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function momentOf(text: string, sign: 1 | -1): number {
  const [, count, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Date.now() + sign * Number(count) * (unitMs[unit] ?? 0);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError("It has to be a duration (90s, 10m, 12h, 30d) or a time in ISO 8601.");
  }
  return time;
}
