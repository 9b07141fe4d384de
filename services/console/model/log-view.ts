/** Which part of a command log is shown. All of it stands in the address. */
export interface LogFilter {
  /** The first sequence; undefined for the latest commands. */
  from: number | undefined;
  method: string;
  outcome: string;
  sender: string;
  /** As the gateway takes them: ISO 8601, or empty. */
  since: string;
  until: string;
}

export const outcomes = ["queued", "applied", "failed", "expired", "unknown"] as const;

/** How many commands a page has. */
export const pageSize = 100;

export function logFilterOf(query: Readonly<Record<string, string>>): LogFilter {
  const { from = "", method = "", outcome = "", sender = "", since = "", until = "" } = query;
  return { from: /^\d{1,15}$/.test(from) ? Number(from) : undefined, method, outcome, sender, since, until };
}

/** Whether only some of the commands are wanted. */
export function isFiltered({ method, outcome, sender, since, until }: LogFilter): boolean {
  return [method, outcome, sender, since, until].some((value) => value !== "");
}

/**
 * The first sequence of the page. Without filters it is the latest page: `last` is the log's last sequence. With
 * filters nobody knows where the latest page begins, so the log is searched from its beginning.
 */
export function firstOfPage(filter: LogFilter, last: number): number {
  if (filter.from !== undefined) return Math.max(1, filter.from);
  return isFiltered(filter) ? 1 : Math.max(1, last - pageSize + 1);
}

/** The time of a field `datetime-local`, which has none of a zone, as the gateway takes it: in the reader's zone. */
export function isoOfLocal(local: string): string {
  const time = local === "" ? Number.NaN : Date.parse(local);
  return Number.isNaN(time) ? "" : new Date(time).toISOString();
}

/** The value of a field `datetime-local` for a time in ISO 8601, in the reader's zone. */
export function localOfIso(iso: string): string {
  const time = Date.parse(iso);
  if (iso === "" || Number.isNaN(time)) return "";
  const shifted = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
