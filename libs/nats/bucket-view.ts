import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { isConflict } from "./errors.ts";
import type { ReadValue, Revision } from "./revisions.ts";
import { putNewer, readRevision } from "./revisions.ts";

const watchAgainMs = 250;
const compareEveryMs = 5_000;

/** A key's values before and after a change. */
export interface Change<T> {
  before: T | undefined;
  after: T | undefined;
}

/**
 * A bucket as it is held in memory, kept up to date by a watch, and changed by compare-and-set: of two processes
 * that change the same key, neither overwrites what the other has just written.
 *
 * `open` returns once the view has everything that is in the bucket. A watch of nats.js can be lost without a
 * sign: nats.js notices only after a minute that a watch died with its server, and it never notices that the
 * last change was lost on its way. So the bucket is read again, with a new watch, in two cases: after each
 * reconnection, and when the watch has not told of a revision that the bucket had `compareEveryMs` ago.
 */
export class BucketView<T> {
  readonly #bucket: KV;
  readonly #read: ReadValue<T>;
  readonly #listeners = new Set<() => void>();
  /** By key. A key that was removed or cannot be read is here too, with its revision alone. */
  #revisions = new Map<string, Revision<T>>();
  /** What this process has read and written itself since it began to read the bucket anew. */
  #own = new Map<string, Revision<T>>();
  /** How often the connection was made again. A watch that was begun before the last time is of no use. */
  #reconnects = 0;
  /** The latest revision that the watch has told of. */
  #watchedRevision = 0;
  /** The bucket's latest revision when it was asked last. */
  #bucketRevision = 0;
  /** When the bucket was created that is watched, and the one that was read to its end. */
  #watched = "";
  #loaded = "";
  /** When the bucket said last, by the clock of `performance.now()`, that this is what it has. */
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  /** Since when it does not say so; undefined while it does. */
  #doubtfulSinceMs: number | undefined;
  readonly #comparing: NodeJS.Timeout;
  #stopWatch: () => void = () => {};
  #closed = false;

  private constructor(bucket: KV, read: ReadValue<T>) {
    this.#bucket = bucket;
    this.#read = read;
    this.#comparing = setInterval(() => void this.compare(), compareEveryMs);
  }

  /** `connection` has to be the bucket's. Rejects if the bucket cannot be read. */
  static async open<T>(bucket: KV, connection: NatsConnection, read: ReadValue<T>): Promise<BucketView<T>> {
    const view = new BucketView(bucket, read);
    const loaded = Promise.withResolvers<void>();
    void view.#noticeReconnects(connection);
    void view.#follow(connection, loaded);
    try {
      await loaded.promise;
    } catch (error) {
      view.close();
      throw error;
    }
    return view;
  }

  /** The value of this key; undefined if there is none. */
  get(key: string): T | undefined {
    return this.#revisions.get(key)?.value;
  }

  /** All values, sorted by their keys. */
  list(): T[] {
    const sorted = [...this.#revisions].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, { value }]) => value ?? []);
  }

  /** Calls `listener` after every change of the view. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Replaces a key's value by what `decide` makes of it; undefined removes the key. Decides anew if somebody else
   * has changed it meanwhile. The view has the change at once. Rejects if the bucket cannot be read or written.
   */
  async change(key: string, decide: (known: T | undefined) => T | undefined): Promise<Change<T>> {
    // A key of which the view knows nothing is most likely a new one, and then one request is enough.
    let isTakenForNew = !this.#revisions.has(key) && decide(undefined) !== undefined;
    for (;;) {
      const found = isTakenForNew ? null : await this.#bucket.get(key);
      isTakenForNew = false;
      const known: Revision<T> = found ? readRevision(found, this.#read) : { revision: 0 };
      if (found) this.#update(key, known);
      const before = known.value;
      const after = decide(before);
      try {
        if (!isDeepStrictEqual(before, after)) await this.#write(key, after, known.revision);
        return { before, after };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /**
   * For how long, in ms, the bucket has not confirmed that these are its values; 0 as long as it does whenever it is
   * asked.
   */
  get unconfirmedMs(): number {
    const now = performance.now();
    // A process that was frozen has not asked for a while.
    const wasAsleep = now - this.#confirmedAtMs > 3 * compareEveryMs;
    return now - ((wasAsleep ? this.#confirmedAtMs : this.#doubtfulSinceMs) ?? now);
  }

  /** When the bucket was created whose values these are. */
  get created(): string {
    return this.#loaded;
  }

  /**
   * Stops the watch if it has not told of the revision that the bucket had at the last comparison, or if the
   * bucket has been made anew since. To be called when that may be so; otherwise it is done every 5 s.
   */
  async compare(): Promise<void> {
    if (this.#bucketRevision > this.#watchedRevision) this.#stopWatch();
    this.#bucketRevision = await this.#bucket.status().then(
      ({ streamInfo }) => {
        const isCurrent = streamInfo.created === this.#watched;
        if (!isCurrent) this.#stopWatch();
        else if (this.#watchedRevision >= streamInfo.state.last_seq) this.#confirm();
        return streamInfo.state.last_seq;
      },
      () => {
        this.#doubt();
        return 0;
      },
    );
  }

  /** Stops following the bucket. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#comparing);
    this.#stopWatch();
  }

  async #noticeReconnects(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.#closed) return;
      if (status.type === "disconnect") this.#doubt();
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
        // JetStream may come back later than the connection. Until then the view stays as it is.
        await sleep(watchAgainMs);
      }
    }
  }

  /**
   * Reads the bucket into a new map, which replaces the old one once it is complete, and keeps that up to
   * date until the watch ends.
   */
  async #followOnce(onLoaded: () => void): Promise<void> {
    const reconnects = this.#reconnects;
    this.#own = new Map();
    const status = await this.#bucket.status();
    let left = status.values;
    const changes = await this.#bucket.watch();
    const { created } = status.streamInfo;
    if (created !== this.#watched) {
      this.#watchedRevision = 0;
      // Another bucket counts its revisions anew.
      this.#own.clear();
    }
    this.#watched = created;
    this.#stopWatch = () => changes.stop();
    if (this.#closed || reconnects !== this.#reconnects) changes.stop();
    const revisions = new Map<string, Revision<T>>();
    const replaceView = () => {
      // The watch may not have told of these yet, and whoever made them counts on them.
      for (const [key, revision] of this.#own) putNewer(revisions, key, revision);
      this.#own.clear();
      this.#revisions = revisions;
      this.#loaded = created;
      this.#confirm();
      this.#notify();
      onLoaded();
    };
    // The watch of an empty bucket yields nothing at all, so it cannot show that everything is read.
    if (left === 0) replaceView();
    for await (const change of changes) {
      this.#watchedRevision = change.revision;
      const isNew = putNewer(revisions, change.key, readRevision(change, this.#read));
      if (--left === 0) replaceView();
      else if (left < 0 && isNew) this.#notify();
    }
  }

  async #write(key: string, value: T | undefined, previousSeq: number): Promise<void> {
    if (value === undefined) {
      await this.#bucket.delete(key, { previousSeq });
      // The bucket does not tell the new revision: it is this one or a later one.
      this.#update(key, { revision: previousSeq + 1 });
      return;
    }
    const revision = await this.#bucket.put(key, JSON.stringify(value), { previousSeq });
    this.#update(key, { revision, value });
  }

  /** Takes in what was just read or written, so that the view has it before the watch tells of it. */
  #update(key: string, revision: Revision<T>): void {
    putNewer(this.#own, key, revision);
    if (putNewer(this.#revisions, key, revision)) this.#notify();
  }

  #confirm(): void {
    this.#confirmedAtMs = performance.now();
    this.#doubtfulSinceMs = undefined;
  }

  #doubt(): void {
    this.#doubtfulSinceMs ??= performance.now();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
