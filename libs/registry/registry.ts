import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { isConflict } from "../nats/is-conflict.ts";
import type { ProcessorEntry, Source } from "./processor-entry.ts";
import { entryProblem, isStronger } from "./processor-entry.ts";

const watchAgainMs = 250;
const compareEveryMs = 5_000;

/**
 * Which processors exist and where their instances are: a view of the registry's bucket that follows it.
 *
 * `open` returns once everything that stood in the bucket is in the view. Whatever changes an entry does so by compare-and-set on
 * its revision, so of two processes neither overwrites what the other has just written. After every reconnection the bucket
 * is read anew, and whenever the watch has not told for a while what the bucket has: nats.js itself notices only after a minute
 * that a watch has died with its server, and never that the latest change was lost on the way.
 */
export class Registry {
  readonly #bucket: KV;
  readonly #listeners = new Set<() => void>();
  /** By id; what cannot be read, or was removed, is kept as its revision alone. */
  #known = new Map<string, Known>();
  /** How often the connection was made anew: a watch of an earlier one is worth nothing. */
  #reconnects = 0;
  /** The latest revision that the watch has told of. */
  #toldOf = 0;
  /** The bucket's own latest revision, when it was last asked. */
  #latest = 0;
  readonly #comparing: NodeJS.Timeout;
  #stopWatch: () => void = () => {};
  #closed = false;

  private constructor(bucket: KV) {
    this.#bucket = bucket;
    this.#comparing = setInterval(() => void this.#compare(), compareEveryMs);
  }

  /** `connection` is the bucket's. Rejects where the bucket cannot be read. */
  static async open(bucket: KV, connection: NatsConnection): Promise<Registry> {
    const registry = new Registry(bucket);
    const loaded = Promise.withResolvers<void>();
    void registry.#noticeReconnects(connection);
    void registry.#follow(connection, loaded);
    try {
      await loaded.promise;
    } catch (error) {
      registry.close();
      throw error;
    }
    return registry;
  }

  get(id: string): ProcessorEntry | undefined {
    return this.#known.get(id)?.entry;
  }

  /** All processors, by id. */
  list(): ProcessorEntry[] {
    const entries = [...this.#known.values()].flatMap(({ entry }) => entry ?? []);
    return entries.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Registers or changes a processor, whatever registered it before, and keeps whether it is paused. True if there was none
   * of this id.
   */
  async put(entry: ProcessorEntry): Promise<boolean> {
    const { before } = await this.#change(entry.id, (known) => ({ ...entry, ...pauseOf(known) }));
    return before === undefined;
  }

  /**
   * Registers what a source says of a processor, and keeps whether it is paused. What a stronger source has registered
   * stays as it is. True if the processor stands in the registry as declared.
   */
  async declare(entry: ProcessorEntry): Promise<boolean> {
    const { after } = await this.#change(entry.id, (known) =>
      known && isStronger(known.source, entry.source) ? known : { ...entry, ...pauseOf(known) },
    );
    return after?.source === entry.source;
  }

  /** Removes a processor if it is this source that registered it. */
  async withdraw(id: string, source: Source): Promise<void> {
    await this.#change(id, (known) => (known?.source === source ? undefined : known));
  }

  /** Stops applying its commands, or goes on; kept until it is changed. Undefined where it is not registered. */
  async setPaused(id: string, paused: boolean): Promise<ProcessorEntry | undefined> {
    const { after } = await this.#change(id, (known) => {
      if (!known) return undefined;
      const { paused: _, ...entry } = known;
      return { ...entry, ...(paused && { paused: true }) };
    });
    return after;
  }

  /** Removes a processor; seen by every view. Its log and its checkpoint stay. */
  async remove(id: string): Promise<void> {
    await this.#change(id, () => undefined);
  }

  /** Whether JetStream answers for the bucket within this time: a connection alone does not show that it has a leader. */
  answers(timeoutMs: number): Promise<boolean> {
    const answered = this.#bucket.status().then(
      () => true,
      () => false,
    );
    return Promise.race([answered, sleep(timeoutMs, false, { ref: false })]);
  }

  /** Calls `listener` after every change of the view. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#comparing);
    this.#stopWatch();
  }

  /** Makes of an entry what `decide` makes of it, once more where somebody else was faster. */
  async #change(
    id: string,
    decide: (known: ProcessorEntry | undefined) => ProcessorEntry | undefined,
  ): Promise<{ before: ProcessorEntry | undefined; after: ProcessorEntry | undefined }> {
    for (;;) {
      const found = await this.#bucket.get(id);
      const before = found ? entryOf(found) : undefined;
      if (found && this.#take(this.#known, id, { revision: found.revision, entry: before })) this.#notify();
      const after = decide(before);
      try {
        if (!isDeepStrictEqual(before, after)) await this.#write(id, after, found?.revision ?? 0);
        return { before, after };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  async #write(id: string, entry: ProcessorEntry | undefined, previousSeq: number): Promise<void> {
    // The watch tells of it too, but whoever has just written it need not wait for that.
    if (entry) {
      const revision = await this.#bucket.put(id, JSON.stringify(entry), { previousSeq });
      this.#take(this.#known, id, { revision, entry });
    } else {
      await this.#bucket.delete(id, { previousSeq });
      // At least: the bucket does not tell.
      this.#take(this.#known, id, { revision: previousSeq + 1 });
    }
    this.#notify();
  }

  async #noticeReconnects(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.#closed) return;
      if (status.type !== "reconnect") continue;
      this.#reconnects++;
      this.#stopWatch();
    }
  }

  /** Follows the bucket until `close`, with a new watch where one ends. */
  async #follow(connection: NatsConnection, loaded: PromiseWithResolvers<void>): Promise<void> {
    while (!this.#closed && !connection.isClosed()) {
      try {
        await this.#followOnce(loaded.resolve);
      } catch (error) {
        loaded.reject(error);
        // JetStream may come back later than the connection; until then the view is what it was.
        await sleep(watchAgainMs);
      }
    }
  }

  /** Reads the bucket into a new view, which takes the old one's place once it is whole, and keeps it up to the watch's end. */
  async #followOnce(onLoaded: () => void): Promise<void> {
    const reconnects = this.#reconnects;
    let left = (await this.#bucket.status()).values;
    const changes = await this.#bucket.watch();
    this.#stopWatch = () => changes.stop();
    if (this.#closed || reconnects !== this.#reconnects) changes.stop();
    const known = new Map<string, Known>();
    const takePlace = () => {
      this.#known = known;
      this.#notify();
      onLoaded();
    };
    // A bucket without entries sends nothing, not even that this was all.
    if (left === 0) takePlace();
    for await (const change of changes) {
      this.#toldOf = change.revision;
      const isNews = this.#take(known, change.key, { revision: change.revision, entry: entryOf(change) });
      if (--left === 0) takePlace();
      else if (left < 0 && isNews) this.#notify();
    }
  }

  /** Ends the watch where it has not told by now of what the bucket had the last time. */
  async #compare(): Promise<void> {
    if (this.#latest > this.#toldOf) this.#stopWatch();
    this.#latest = await this.#bucket.status().then(
      ({ streamInfo }) => streamInfo.state.last_seq,
      () => 0,
    );
  }

  /** Keeps the later of what is known of an entry: what was just written may be known before the watch tells of what it replaced. */
  #take(view: Map<string, Known>, id: string, known: Known): boolean {
    if ((view.get(id)?.revision ?? 0) >= known.revision) return false;
    view.set(id, known);
    return true;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What is known of an entry; without one, it is not registered. */
interface Known {
  revision: number;
  entry?: ProcessorEntry | undefined;
}

/** Undefined for one that was removed, and for what is no entry: other programs can write to the bucket too. */
function entryOf(found: KvEntry): ProcessorEntry | undefined {
  if (found.operation !== "PUT") return undefined;
  try {
    const entry = found.json<ProcessorEntry>();
    return entry.id === found.key && entryProblem(entry) === undefined ? entry : undefined;
  } catch {
    return undefined;
  }
}

function pauseOf(known: ProcessorEntry | undefined): Pick<ProcessorEntry, "paused"> {
  return known?.paused ? { paused: true } : {};
}
