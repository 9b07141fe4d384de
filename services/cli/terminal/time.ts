/** A time for people: `2026-11-26 07:21:16` of their zone, or of UTC with a Z. */
export function timeOf(iso: string | null | undefined, utc: boolean): string {
  if (iso === null || iso === undefined) return "-";
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const parts = utc
    ? [time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()]
    : [time.getFullYear(), time.getMonth(), time.getDate()];
  const clock = utc
    ? [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()]
    : [time.getHours(), time.getMinutes(), time.getSeconds()];
  const [year = 0, month = 0, day = 0] = parts;
  const two = (number: number) => String(number).padStart(2, "0");
  return `${year}-${two(month + 1)}-${two(day)} ${clock.map(two).join(":")}${utc ? "Z" : ""}`;
}

/** A duration for people: `0.4s`, `12s`, `3m20s`, `2h05m`, `4d02h`. */
export function durationOf(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "-";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10}s`;
  const whole = Math.round(seconds);
  const two = (number: number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)}h${two(Math.floor((whole % 3_600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d${two(Math.floor((whole % 86_400) / 3_600))}h`;
}

/** A number with thin groups: 1,234,567. */
export function countOf(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes in MiB, without the unit. */
export function mebibytes(bytes: number): string {
  return countOf(bytes / 1024 ** 2);
}
