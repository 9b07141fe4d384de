import type { ProcessorEntry, Source } from "../../libs/registry/processor-entry.ts";
import { entryProblem } from "../../libs/registry/processor-entry.ts";
import type { Found } from "./sources/source.ts";

/** What a full list comes to. */
export interface Assessment {
  /** What is to be registered: one entry for each id, and where it was found. */
  entries: { where: string; entry: ProcessorEntry }[];
  /** Every id that the source still has, also of what does not run or cannot be registered. */
  ids: ReadonlySet<string>;
  /** Why something that runs is not to be registered, by where it was found. */
  problems: Map<string, string>;
}

/** Checks what was found. Of several that run with one id the oldest counts. */
export function assess(found: Found[], source: Source): Assessment {
  const entries = new Map<string, { where: string; entry: ProcessorEntry }>();
  const problems = new Map<string, string>();
  for (const { where, id, name, endpoint, problem } of found.toSorted(byAge)) {
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
  return { entries: [...entries.values()], ids: new Set(found.map(({ id }) => id)), problems };
}

function byAge(a: Found, b: Found): number {
  return a.createdAt - b.createdAt || (a.where < b.where ? -1 : 1);
}
