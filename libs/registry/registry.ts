import type { KV, KvEntry } from "@nats-io/kv";
import type { ProcessorEntry } from "./processor-entry.ts";

/**
 * Which processors exist and where their instances are: a view of the registry's bucket that follows it.
 *
 * `open` returns once everything that stood in the bucket is in the view.
 */
export class Registry {
  readonly #bucket: KV;
  readonly #entries = new Map<string, ProcessorEntry>();
  readonly #listeners = new Set<() => void>();
  #stop: () => void = () => {};

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  static async open(bucket: KV): Promise<Registry> {
    const registry = new Registry(bucket);
    await registry.#follow();
    return registry;
  }

  get(id: string): ProcessorEntry | undefined {
    return this.#entries.get(id);
  }

  /** All processors, by id. */
  list(): ProcessorEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Registers or changes a processor; seen by every view. */
  async put(entry: ProcessorEntry): Promise<void> {
    if (JSON.stringify(this.#entries.get(entry.id)) === JSON.stringify(entry)) return;
    await this.#bucket.put(entry.id, JSON.stringify(entry));
    this.#entries.set(entry.id, entry);
  }

  /** Registers what a setting names. What was registered over REST stays as it is, and so does whether it is paused. */
  async declare(entry: ProcessorEntry): Promise<void> {
    const known = this.#entries.get(entry.id);
    if (known?.source === "rest") return;
    await this.put({ ...entry, ...(known?.paused && { paused: true }) });
  }

  /** Stops applying its commands, or goes on; kept until it is changed. */
  async setPaused(id: string, paused: boolean): Promise<ProcessorEntry> {
    const known = this.#entries.get(id);
    if (!known) throw new Error(`${id} is not registered`);
    const { paused: _, ...entry } = known;
    const changed = { ...entry, ...(paused && { paused: true }) };
    await this.put(changed);
    return changed;
  }

  /** Removes a processor; seen by every view. Its log and its checkpoint stay. */
  async remove(id: string): Promise<void> {
    await this.#bucket.delete(id);
    this.#entries.delete(id);
  }

  /** Calls `listener` after every change of the view. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#stop();
  }

  async #follow(): Promise<void> {
    // A bucket without entries sends nothing, not even that this was all.
    let left = (await this.#bucket.status()).values;
    const loaded = Promise.withResolvers<void>();
    if (left === 0) loaded.resolve();
    const changes = await this.#bucket.watch();
    this.#stop = () => changes.stop();
    void (async () => {
      for await (const change of changes) {
        this.#take(change);
        if (--left === 0) loaded.resolve();
      }
    })();
    await loaded.promise;
  }

  #take(change: KvEntry): void {
    if (change.operation === "PUT") this.#entries.set(change.key, change.json<ProcessorEntry>());
    else this.#entries.delete(change.key);
    for (const listener of this.#listeners) listener();
  }
}
