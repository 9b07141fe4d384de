import { setTimeout as sleep } from "node:timers/promises";
import type { IngestionView } from "./ingestion-view.ts";

/** An ingestion is looked at this often while it changes. */
const lookEveryMs = 250;
/** And this often while it does not. */
const idleLookEveryMs = 2_000;

/** What a watcher needs to know of the rest of the system. */
export interface Watched {
  /** Looks at the ingestion. May reject: then it is looked at again later. */
  look(processor: string, ingestion: string): Promise<IngestionView>;
  /** How far the processor is, as the workers report it. Knowing this costs nothing. */
  appliedOf(processor: string): number | undefined;
}

/** One ingestion that is watched, for all who listen. */
interface Watch {
  view: IngestionView;
  listeners: Set<() => void>;
}

/**
 * Follows ingestions for clients that listen to their events. However many listen to one, it is looked at
 * once: by its watch, which begins with the first listener and ends with the last, or when the ingestion is
 * done. An ingestion that does not change is looked at less often, until its processor goes on.
 */
export class IngestionWatchers {
  readonly #watched: Watched;
  readonly #watches = new Map<string, Watch>();

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /**
   * Yields the ingestion's views: `first`, then each that differs, and the same one again after `quietMs`
   * without another. Ends when it is done or the signal is aborted.
   */
  async *follow(first: IngestionView, signal: AbortSignal, quietMs: number): AsyncGenerator<IngestionView> {
    const watch = this.#watchOf(first);
    let wake = () => {};
    const listener = () => wake();
    watch.listeners.add(listener);
    signal.addEventListener("abort", listener);
    try {
      for (let seen = watch.view; ; seen = watch.view) {
        yield seen;
        if (seen.state === "done") return;
        if (watch.view === seen && !signal.aborted) {
          const { promise, resolve } = Promise.withResolvers<void>();
          const timer = setTimeout(resolve, quietMs);
          wake = resolve;
          await promise;
          clearTimeout(timer);
        }
        if (signal.aborted) return;
      }
    } finally {
      signal.removeEventListener("abort", listener);
      watch.listeners.delete(listener);
    }
  }

  #watchOf(first: IngestionView): Watch {
    const key = `${first.processor}.${first.ingestion}`;
    const known = this.#watches.get(key);
    if (known) {
      // What has just been looked at is newer than what the watch has.
      tell(known, first);
      return known;
    }
    const watch: Watch = { view: first, listeners: new Set() };
    this.#watches.set(key, watch);
    void this.#run(watch, key);
    return watch;
  }

  async #run(watch: Watch, key: string): Promise<void> {
    const { processor, ingestion } = watch.view;
    let delayMs = lookEveryMs;
    let lookedAt = performance.now();
    let applied = this.#watched.appliedOf(processor);
    for (;;) {
      await sleep(lookEveryMs);
      if (watch.listeners.size === 0 || watch.view.state === "done") {
        // Nothing is awaited in between, so nobody joins a watch that has ended.
        this.#watches.delete(key);
        return;
      }
      const appliedNow = this.#watched.appliedOf(processor);
      if (appliedNow === applied && performance.now() - lookedAt < delayMs - lookEveryMs / 2) continue;
      applied = appliedNow;
      const before = watch.view;
      const view = await this.#watched.look(processor, ingestion).catch(() => before);
      lookedAt = performance.now();
      delayMs = tell(watch, view) ? lookEveryMs : Math.min(2 * delayMs, idleLookEveryMs);
    }
  }
}

/** Tells the listeners of a view if it is another one than before. Returns whether it is. */
function tell(watch: Watch, view: IngestionView): boolean {
  if (JSON.stringify(view) === JSON.stringify(watch.view)) return false;
  watch.view = view;
  for (const listener of watch.listeners) listener();
  return true;
}
