import type { Processor } from "../../../libs/client/types/gateway.ts";
import { adviceFor } from "./advice.ts";
import type { State } from "./states.ts";
import { states } from "./states.ts";

/** By what the fleet can be sorted. */
export const fleetColumns = {
  id: "Processor",
  state: "State",
  depth: "Waiting",
  oldest: "Oldest",
  rate: "Rate",
  worker: "Worker",
  endpoint: "Endpoint",
} as const;
export type FleetColumn = keyof typeof fleetColumns;

/** What of the fleet is shown, and in which order. All of it stands in the address. */
export interface FleetView {
  /** What the id, name, reason, worker or endpoint has in it. */
  search: string;
  /** Only processors in this state, or with something to do; "" for all. */
  state: State | "attention" | "";
  sort: FleetColumn;
  isDescending: boolean;
}

export function fleetViewOf(query: Readonly<Record<string, string>>): FleetView {
  const { q = "", state = "", sort = "id", desc } = query;
  const isState = state === "attention" || states.some((one) => one === state);
  return {
    search: q,
    state: isState ? (state as FleetView["state"]) : "",
    sort: sort in fleetColumns ? (sort as FleetColumn) : "id",
    isDescending: desc === "1",
  };
}

/** The processors of a view, in its order. */
export function processorsOf(view: FleetView, processors: readonly Processor[]): Processor[] {
  const search = view.search.trim().toLowerCase();
  const wanted = processors.filter(
    (processor) =>
      (view.state === "" ||
        processor.state === view.state ||
        (view.state === "attention" && adviceFor(processor) !== undefined)) &&
      (search === "" || textOf(processor).includes(search)),
  );
  const direction = view.isDescending ? -1 : 1;
  const compare = comparisons[view.sort];
  // Where the column says nothing about two, the id does: rows do not jump while numbers are equal.
  return wanted.sort((a, b) => direction * compare(a, b) || compareTexts(a.id, b.id));
}

/** How many processors are in each state. */
export function countStates(processors: readonly Processor[]): Map<State, number> {
  const counts = new Map<State, number>();
  for (const { state } of processors) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

const collator = new Intl.Collator("en", { numeric: true });
const compareTexts = (a = "", b = "") => collator.compare(a, b);
/** What is not known stands last. */
const compareNumbers = (a: number | null = null, b: number | null = null) => (a ?? -1) - (b ?? -1);

const comparisons: Record<FleetColumn, (a: Processor, b: Processor) => number> = {
  id: (a, b) => compareTexts(a.id, b.id),
  state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  depth: (a, b) => compareNumbers(a.depth, b.depth),
  oldest: (a, b) => compareNumbers(a.oldest_seconds, b.oldest_seconds),
  rate: (a, b) => compareNumbers(a.rate, b.rate),
  worker: (a, b) => compareTexts(a.worker, b.worker),
  endpoint: (a, b) => compareTexts(a.endpoint, b.endpoint),
};

function textOf({ id, name, reason = "", worker = "", endpoint }: Processor): string {
  return `${id} ${name} ${reason} ${worker} ${endpoint}`.toLowerCase();
}
