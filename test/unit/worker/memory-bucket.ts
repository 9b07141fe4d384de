/** How much the clock of these tests goes on at a time. */
export const tickMs = 20;

interface Entry {
  value: string;
  revision: number;
  storedAt: number;
}

/** Resolves after so much time of the test's clock. */
export const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A bucket in memory whose entries live for a time. */
export class MemoryBucket {
  /** How long entries live. */
  lifeMs: number;
  writes = 0;
  /** Keys that cannot be written now. */
  readonly refused = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<(key: string, entry: Entry) => void>();
  readonly #now: () => number;
  #revision = 0;

  constructor(lifeMs: number, now: () => number) {
    this.lifeMs = lifeMs;
    this.#now = now;
  }

  /** The value of an entry that lives. */
  read(key: string): string | undefined {
    return this.#living(key)?.value || undefined;
  }

  /** Has entries live for so long at least. What has expired by now is gone for good. */
  lengthen(ms: number): void {
    for (const key of [...this.#entries.keys()]) if (!this.#living(key)) this.#entries.delete(key);
    this.lifeMs = Math.max(this.lifeMs, ms);
  }

  /** It is lost, with all that is in it, and made anew for such lives. */
  makeAnew(lifeMs: number): void {
    this.#entries.clear();
    this.#revision = 0;
    this.lifeMs = lifeMs;
  }

  #living(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && this.#now() - entry.storedAt < this.lifeMs ? entry : undefined;
  }

  #write(key: string, value: string, expected: number | undefined): number {
    if (this.refused.has(key)) throw new Error("no answer");
    const living = this.#living(key)?.revision ?? 0;
    if (expected !== undefined && living !== expected) throw new Error("wrong last sequence");
    const entry = { value, revision: ++this.#revision, storedAt: this.#now() };
    this.#entries.set(key, entry);
    this.writes++;
    for (const tell of this.#watchers) tell(key, entry);
    return entry.revision;
  }

  /** The bucket as a process reaches it. */
  open(reach: () => Promise<void>, process: { deafUntilMs: number }) {
    const write = async (key: string, value: string, expected?: number) => {
      await reach();
      const revision = this.#write(key, value, expected);
      await reach();
      return revision;
    };
    return {
      create: async (key: string, value: string | Uint8Array) => {
        await reach();
        const removed = this.#living(key);
        return write(key, String(value), removed?.value === "" ? removed.revision : 0);
      },
      update: (key: string, value: string | Uint8Array, revision: number) =>
        write(key, String(value), revision),
      put: (key: string, value: string | Uint8Array) => write(key, String(value)),
      delete: async (key: string, options?: { previousSeq?: number }) => {
        await write(key, "", options?.previousSeq);
      },
      get: async (key: string) => {
        await reach();
        const entry = this.#living(key);
        if (!entry) return null;
        const { value, revision, storedAt } = entry;
        const operation = value === "" ? ("DEL" as const) : ("PUT" as const);
        return { revision, operation, created: new Date(storedAt), string: () => value };
      },
      status: async () => {
        await reach();
        return { ttl: this.lifeMs };
      },
      watch: async () => {
        await reach();
        return this.#watch(async () => {
          await reach().catch(() => {});
          while (this.#now() < process.deafUntilMs) await later(tickMs);
        });
      },
    };
  }

  #watch(reach: () => Promise<void>) {
    const told = [...this.#entries].filter(([key]) => this.#living(key));
    let wake = () => {};
    let isStopped = false;
    const tell = (key: string, entry: Entry) => {
      told.push([key, entry]);
      wake();
    };
    this.#watchers.add(tell);
    return {
      stop: () => {
        this.#watchers.delete(tell);
        isStopped = true;
        wake();
      },
      async *[Symbol.asyncIterator]() {
        while (!isStopped) {
          await reach();
          for (const [key, { value, revision }] of told.splice(0))
            yield { key, revision, string: () => value };
          if (!isStopped && told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  }
}
