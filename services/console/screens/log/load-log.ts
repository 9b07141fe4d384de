import type { LoggedCommand, LogPage } from "../../../../libs/client/types/gateway.ts";
import { get, pathOf, queryOf } from "../../base/api.ts";
import type { LogFilter } from "../../model/log-view.ts";

/** A page of the log, from a sequence on. */
export function loadPage(
  id: string,
  { method, outcome, sender, since, until }: LogFilter,
  { from, limit }: { from: number; limit: number },
  signal?: AbortSignal,
): Promise<LogPage> {
  const query = queryOf({ from, limit, method, outcome, sender, since, until });
  return get<LogPage>(`${pathOf("processors", id, "log")}${query}`, signal);
}

/** So many lines at most are exported: they are all held in the browser's memory first. */
const maxExported = 100_000;

/** All commands of a filter, one a line. `onProgress` hears how many there are by now. */
export async function exportLog(
  id: string,
  filter: LogFilter,
  onProgress: (count: number) => void,
): Promise<{ lines: string[]; isComplete: boolean }> {
  const lines: string[] = [];
  let from: number | undefined = filter.from ?? 1;
  while (from !== undefined && lines.length < maxExported) {
    const page: LogPage = await loadPage(id, filter, { from, limit: 1_000 });
    for (const entry of page.commands) lines.push(`${JSON.stringify(entry)}\n`);
    onProgress(lines.length);
    from = page.next;
  }
  return { lines, isComplete: from === undefined };
}

/** What a tail keeps; older ones go, so that it can be left open for days. */
const maxTailed = 500;

/** The commands that were there, and those that have come since or are told once more. */
export function withLatest(
  before: readonly LoggedCommand[],
  latest: readonly LoggedCommand[],
): LoggedCommand[] {
  const all = new Map([...before, ...latest].map((command) => [command.sequence, command]));
  return [...all.values()].toSorted((a, b) => a.sequence - b.sequence).slice(-maxTailed);
}
