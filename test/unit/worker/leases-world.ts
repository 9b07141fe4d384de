import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Lease } from "../../../services/worker/assignment/lease.ts";
import { Leases } from "../../../services/worker/assignment/leases.ts";
import { shareOut } from "../../../services/worker/assignment/shares.ts";

export const leaseMs = 1_000;
const tickMs = 20;

interface Entry {
  value: string;
  revision: number;
  storedAt: number;
}

/** A worker of this version, or of one that knows no sessions. */
export interface FleetWorker {
  readonly name: string;
  /** The processors in whose leases it believes now. */
  readonly believes: string[];
  /** Looks after its leases, as a worker does three times in a lease's life. */
  act(): Promise<void>;
  /** Its process is frozen for so long: what it was about to send is sent afterwards. */
  freeze(ms: number): void;
  /** For so long what it sends, and what it is answered, is on its way for some time. */
  slow(ms: number): void;
  /** For so long it is not told of what others write. */
  deafen(ms: number): void;
  /** It is killed: it sends nothing any more, and believes nothing. */
  kill(): void;
  stop(): Promise<void>;
}

/** How long what is sent takes over a network that is slow. */
const slowMs = leaseMs / 4;

/** The bucket of leases in memory, and a clock that stands still. */
export class FleetWorld {
  nowMs = 5_000;
  /** How long entries live. */
  lifeMs = leaseMs;
  /** NATS answers nothing until then. */
  awayUntilMs = 0;
  writes = 0;
  readonly workers: FleetWorker[] = [];
  readonly processors: string[];
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<(key: string, entry: Entry) => void>();
  readonly #t: TestContext;
  #revision = 0;

  constructor(t: TestContext, processors: string[]) {
    this.#t = t;
    this.processors = processors;
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    t.mock.method(performance, "now", () => this.nowMs);
  }

  /** Time passes, a little at a time, and everything that is due happens. Who believes what is checked at each moment. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= tickMs) {
      this.nowMs += tickMs;
      this.#t.mock.timers.tick(tickMs);
      await turn();
      this.check();
    }
  }

  /** Throws if two workers believe in the lease of one processor (A4). */
  check(): void {
    const believers = new Map<string, string>();
    for (const { name, believes } of this.workers) {
      for (const processor of believes) {
        const other = believers.get(processor);
        if (other) throw new Error(`${name} and ${other} believe in ${processor} at ${this.nowMs}`);
        believers.set(processor, name);
      }
    }
  }

  /** Who believes in which lease. */
  get believers(): Record<string, string> {
    return Object.fromEntries(
      this.workers.flatMap(({ name, believes }) => believes.map((processor) => [processor, name])),
    );
  }

  /** The value of an entry that lives. */
  read(key: string): string | undefined {
    return this.#living(key)?.value || undefined;
  }

  /** The bucket is lost, with all that is in it, and made anew. */
  makeAnew(): void {
    this.#entries.clear();
    this.#revision = 0;
    this.lifeMs = leaseMs;
  }

  async start(name: string, version: "new" | "old" = "new"): Promise<FleetWorker> {
    const worker = version === "new" ? await this.#startNew(name) : this.#startOld(name);
    this.workers.push(worker);
    return worker;
  }

  /** What a worker sends waits while its process is frozen, and is never sent once it is killed. */
  #process() {
    const process = { isDead: false, frozenUntilMs: 0, slowUntilMs: 0, deafUntilMs: 0 };
    const reach = async () => {
      while (process.isDead || this.nowMs < process.frozenUntilMs) await later(tickMs);
      if (this.nowMs < process.slowUntilMs) await later(slowMs);
      await null;
      if (this.nowMs < this.awayUntilMs) throw new Error("no answer");
      if (process.isDead) await new Promise(() => {});
    };
    return { process, reach };
  }

  #faultsOf(process: Record<"frozenUntilMs" | "slowUntilMs" | "deafUntilMs", number>) {
    const until = (name: keyof typeof process) => (ms: number) => {
      process[name] = this.nowMs + ms;
    };
    return { freeze: until("frozenUntilMs"), slow: until("slowUntilMs"), deafen: until("deafUntilMs") };
  }

  async #startNew(name: string): Promise<FleetWorker> {
    const { process, reach } = this.#process();
    const held = new Map<string, Lease>();
    let isDue = false;
    const leases = await Leases.open({
      bucket: this.#bucket(reach, process),
      ...{ worker: name, leaseMs },
      lengthenLives: async (ms) => {
        await reach();
        // What has expired by now is gone for good.
        for (const key of [...this.#entries.keys()]) if (!this.#living(key)) this.#entries.delete(key);
        this.lifeMs = Math.max(this.lifeMs, ms);
      },
      knownAfterMs: 2 * leaseMs,
      onChange: () => {
        isDue = true;
        void Promise.resolve().then(match);
      },
      log: { warn: () => {} },
    });
    const match = async () => {
      if (!isDue || process.isDead) return;
      isDue = false;
      const { membership } = leases;
      const holders = membership.holders;
      for (const id of held.keys()) holders.set(id, name);
      const workers = membership.workers.set(name, "*");
      const { take, release } = shareOut({
        ...{ me: name, wanted: "*", processors: this.processors, holders, workers },
      });
      for (const id of release) {
        await held.get(id)?.release();
        held.delete(id);
      }
      for (const id of take) {
        const lease = await leases.take(id, () => {
          held.delete(id);
          isDue = true;
        });
        if (lease) held.set(id, lease);
      }
    };
    const act = async () => {
      if (process.isDead) return;
      await leases.announce("*").catch(() => {});
      isDue = true;
      await match();
    };
    const timer = setInterval(() => void act(), leaseMs / 3);
    void act();
    const isRunning = () => !process.isDead && this.nowMs >= process.frozenUntilMs;
    return {
      ...{ name, act },
      get believes() {
        return isRunning() ? [...held].filter(([, lease]) => lease.held).map(([id]) => id) : [];
      },
      ...this.#faultsOf(process),
      kill: () => {
        process.isDead = true;
        clearInterval(timer);
      },
      stop: async () => {
        clearInterval(timer);
        await leases.retire();
        for (const lease of held.values()) await lease.release();
        await leases.close();
      },
    };
  }

  /** A worker that knows no sessions: it takes what has no entry, and renews each lease by itself. */
  #startOld(name: string): FleetWorker {
    const { process, reach } = this.#process();
    const bucket = this.#bucket(reach, process);
    const held = new Map<string, Lease>();
    const act = async () => {
      if (process.isDead) return;
      await bucket.put(`worker.${name}`, '"*"').catch(() => {});
      for (const id of this.processors) {
        if (held.has(id) || this.read(id) !== undefined) continue;
        const onLost = () => void held.delete(id);
        const options = { bucket, processor: id, worker: name, leaseMs, onLost, log: { warn: () => {} } };
        const lease = await Lease.take(options);
        if (lease) held.set(id, lease);
      }
    };
    const timer = setInterval(() => void act(), leaseMs / 3);
    void act();
    const isRunning = () => !process.isDead && this.nowMs >= process.frozenUntilMs;
    return {
      ...{ name, act },
      get believes() {
        return isRunning() ? [...held].filter(([, lease]) => lease.held).map(([id]) => id) : [];
      },
      ...this.#faultsOf(process),
      kill: () => {
        process.isDead = true;
        clearInterval(timer);
      },
      stop: async () => {
        clearInterval(timer);
        await bucket.delete(`worker.${name}`);
        for (const lease of held.values()) await lease.release();
      },
    };
  }

  #living(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && this.nowMs - entry.storedAt < this.lifeMs ? entry : undefined;
  }

  #write(key: string, value: string, expected: number | undefined): number {
    const living = this.#living(key)?.revision ?? 0;
    if (expected !== undefined && living !== expected) throw new Error("wrong last sequence");
    const entry = { value, revision: ++this.#revision, storedAt: this.nowMs };
    this.#entries.set(key, entry);
    this.writes++;
    for (const tell of this.#watchers) tell(key, entry);
    return entry.revision;
  }

  #bucket(reach: () => Promise<void>, process: { deafUntilMs: number }) {
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
          while (this.nowMs < process.deafUntilMs) await later(tickMs);
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

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
