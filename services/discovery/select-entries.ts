import type { ProcessorEntry, Source } from "../../libs/registry/processor-entry.ts";
import { entryProblem } from "../../libs/registry/processor-entry.ts";
import type { DiscoveredInstance } from "./sources/source.ts";
import { labels } from "./sources/source.ts";

/** What follows from a full list of instances. */
export interface Selection {
  /** The entries to register, one for each id, each with where its instance was found. */
  entries: { where: string; entry: ProcessorEntry }[];
  /** Every id in the list, also those of instances that do not run or cannot be registered. */
  ids: ReadonlySet<string>;
  /** By where an instance was found: why it is not registered although it runs, and what is wrong with its labels. */
  problems: Map<string, string>;
}

/**
 * Selects the instances to register: those that run and whose labels are valid. If several of them have the
 * same id, the oldest one is selected.
 */
export function selectEntries(instances: DiscoveredInstance[], source: Source): Selection {
  const entries = new Map<string, { where: string; entry: ProcessorEntry }>();
  const problems = new Map<string, string>();
  for (const { where, id, name, endpoint, problem, unknownLabels } of instances.toSorted(byAge)) {
    for (const label of unknownLabels) problems.set(`${where}, label ${label}`, remedyFor(label));
    if (endpoint === undefined) {
      if (problem !== undefined) problems.set(where, problem);
      continue;
    }
    const entry: ProcessorEntry = { id, name, grpc_endpoint: endpoint, source };
    const wrong = entryProblem(entry);
    const older = entries.get(id);
    if (wrong !== undefined) problems.set(where, wrong);
    else if (older) problems.set(where, `has the id ${id}, as has ${older.where}, which is older and counts`);
    else entries.set(id, { where, entry });
  }
  return { entries: [...entries.values()], ids: new Set(instances.map(({ id }) => id)), problems };
}

/** What to write for a label that means nothing. */
function remedyFor(label: string): string {
  const meant = Object.entries(labels).find(([what]) => label.toLowerCase().endsWith(what));
  const known = Object.values(labels).join(", ");
  return meant ? `is not known; the ${meant[0]} is ${meant[1]}` : `is not known; known are ${known}`;
}

function byAge(a: DiscoveredInstance, b: DiscoveredInstance): number {
  return a.createdAtMs - b.createdAtMs || (a.where < b.where ? -1 : 1);
}
