import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Lease } from "../../../services/worker/assignment/lease.ts";
import { Leases } from "../../../services/worker/assignment/leases.ts";
import { shareOut } from "../../../services/worker/assignment/shares.ts";
import { later, MemoryBucket, tickMs } from "./memory-bucket.ts";

export const leaseMs = 1_000;

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

/** What has become of a worker's process, and of its network until when. */
interface ProcessFaults {
  isDead: boolean;
  frozenUntilMs: number;
  slowUntilMs: number;
  deafUntilMs: number;
}

/** How long what is sent takes over a network that is slow. */
const slowMs = leaseMs / 4;

/** The bucket of leases in memory, and a clock that stands still. */
export class FleetWorld {
  nowMs = 5_000;
  readonly bucket = new MemoryBucket(leaseMs, () => this.nowMs);
  /** NATS answers nothing until then. */
  awayUntilMs = 0;
  readonly workers: FleetWorker[] = [];
  readonly processors: string[];
  readonly #t: TestContext;

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

  async start(name: string, version: "new" | "old" = "new"): Promise<FleetWorker> {
    const worker = version === "new" ? await this.#startNew(name) : this.#startOld(name);
    this.workers.push(worker);
    return worker;
  }

  /** What a worker sends waits while its process is frozen, and is never sent once it is killed. */
  #process() {
    const process: ProcessFaults = { isDead: false, frozenUntilMs: 0, slowUntilMs: 0, deafUntilMs: 0 };
    const reach = async () => {
      while (process.isDead || this.nowMs < process.frozenUntilMs) await later(tickMs);
      if (this.nowMs < process.slowUntilMs) await later(slowMs);
      await null;
      if (this.nowMs < this.awayUntilMs) throw new Error("no answer");
      if (process.isDead) await new Promise(() => {});
    };
    return { process, reach };
  }

  #faultsOf(process: ProcessFaults) {
    const until = (name: "frozenUntilMs" | "slowUntilMs" | "deafUntilMs") => (ms: number) => {
      process[name] = this.nowMs + ms;
    };
    return { freeze: until("frozenUntilMs"), slow: until("slowUntilMs"), deafen: until("deafUntilMs") };
  }

  async #startNew(name: string): Promise<FleetWorker> {
    const { process, reach } = this.#process();
    const held = new Map<string, Lease>();
    let isDue = false;
    const leases = await Leases.open({
      bucket: this.bucket.open(reach, process),
      ...{ worker: name, leaseMs },
      lengthenLives: async (ms) => {
        await reach();
        this.bucket.lengthen(ms);
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
      const holders = membership.otherHolders;
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
    return this.#workerOf(name, process, {
      ...{ held, act },
      stop: async () => {
        await leases.retire();
        for (const lease of held.values()) await lease.release();
        await leases.close();
      },
    });
  }

  /** A worker that knows no sessions: it takes what has no entry, and renews each lease by itself. */
  #startOld(name: string): FleetWorker {
    const { process, reach } = this.#process();
    const bucket = this.bucket.open(reach, process);
    const held = new Map<string, Lease>();
    const act = async () => {
      if (process.isDead) return;
      await bucket.put(`worker.${name}`, '"*"').catch(() => {});
      for (const id of this.processors) {
        if (held.has(id) || this.bucket.read(id) !== undefined) continue;
        const onLost = () => void held.delete(id);
        const options = { bucket, processor: id, worker: name, leaseMs, onLost, log: { warn: () => {} } };
        const lease = await Lease.take(options);
        if (lease) held.set(id, lease);
      }
    };
    return this.#workerOf(name, process, {
      ...{ held, act },
      stop: async () => {
        await bucket.delete(`worker.${name}`);
        for (const lease of held.values()) await lease.release();
      },
    });
  }

  /** A worker that looks after its leases until it is killed or told to stop. */
  #workerOf(
    name: string,
    process: ProcessFaults,
    { held, act, stop }: { held: Map<string, Lease>; act(): Promise<void>; stop(): Promise<void> },
  ): FleetWorker {
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
        await stop();
      },
    };
  }
}
