/** What a worker knows of the whole fleet. */
export interface Fleet {
  /** This worker. */
  me: string;
  /** The ids that it was told to run, or `*` for its share of all. */
  wanted: string[] | "*";
  /** Every processor there is. */
  processors: readonly string[];
  /** Who holds which processor's lease, this worker's own included. */
  holders: ReadonlyMap<string, string>;
  /** The workers that are alive, this one included, and what they were told to run. */
  workers: ReadonlyMap<string, string[] | "*">;
}

/**
 * Decides which processors a worker takes and which it releases, from what it knows alone. A worker with a
 * list takes what is in it. Those with `*` share the rest evenly: each takes free ones up to its share, and
 * releases what it has above its share or what stands in another worker's list.
 */
export function shareOut(fleet: Fleet): { take: string[]; release: string[] } {
  const { me, wanted, processors, holders, workers } = fleet;
  const mine = processors.filter((id) => holders.get(id) === me);
  const free = processors.filter((id) => !holders.has(id));
  if (wanted !== "*") {
    const list = new Set(wanted);
    return {
      take: free.filter((id) => list.has(id)),
      release: mine.filter((id) => !list.has(id)),
    };
  }
  const lists = [...workers.values()].filter((list) => list !== "*");
  const listed = new Set(lists.flat());
  const shared = processors.filter((id) => !listed.has(id));
  const share = Math.ceil(shared.length / (workers.size - lists.length));
  const keep = new Set(mine.filter((id) => !listed.has(id)).slice(0, share));
  return {
    take: free.filter((id) => !listed.has(id)).slice(0, share - keep.size),
    release: mine.filter((id) => !keep.has(id)),
  };
}
