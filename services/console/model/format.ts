/** A span of time in one or two units, for example "3 min 20 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return twoUnits(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400)
    return twoUnits(Math.floor(whole / 3_600), "h", Math.floor((whole % 3_600) / 60), "min");
  return twoUnits(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3_600), "h");
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A number with at most so many decimals, and thin spaces between thousands. */
export function formatNumber(value: number, decimals = 0): string {
  const [whole = "", fraction] = String(Number(value.toFixed(decimals))).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u2009");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A size in bytes, for example "4.0 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The name of a model or vector with the beginning of its hash only. */
export function shortName(name: string): string {
  return name.replace(/^((?:MODEL|VECTOR)\|)?([0-9a-f]{8})[0-9a-f]{32}$/, "$1$2…");
}
