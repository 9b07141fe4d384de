import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { Style } from "../terminal/style.ts";
import type { Column } from "../terminal/table.ts";
import { countOf, durationOf } from "../terminal/time.ts";

const styles: Record<Processor["state"], Style | undefined> = {
  ready: "green",
  applying: "cyan",
  rebuilding: "yellow",
  paused: "yellow",
  held: "red",
  down: "red",
  unowned: "red",
};

/** What lists show of a processor. */
export const processorColumns: readonly Column<Processor>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => styles[state] },
  { title: "WAITING", value: ({ depth }) => (depth === null ? null : countOf(depth)), align: "right" },
  {
    title: "OLDEST",
    value: ({ oldest_seconds }) => (oldest_seconds ? durationOf(oldest_seconds) : null),
    align: "right",
  },
  { title: "RATE", value: ({ rate }) => (rate === undefined ? null : `${countOf(rate)}/s`), align: "right" },
  { title: "WORKER", value: ({ worker }) => worker },
  { title: "ENDPOINT", value: ({ endpoint }) => endpoint },
  { title: "REMARK", value: remarkOf, style: () => "dim" },
];

function remarkOf({ reason, degraded, paused, paused_by, state, foreign_observes }: Processor): string {
  return [
    reason,
    degraded && `degraded: ${degraded}`,
    paused_by !== undefined ? `paused by the backup ${paused_by}` : paused && state !== "paused" && "paused",
    foreign_observes && `${foreign_observes.count} calls came past the gateway`,
  ]
    .filter(Boolean)
    .join("; ");
}
