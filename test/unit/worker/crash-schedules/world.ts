import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../../libs/commands/messages/reply.ts";
import type { FoundRecord } from "../../../../libs/commands/outcomes/outcome-store.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../../libs/kato/unary-call.ts";
import type { LateCallReport } from "../../../../services/worker/model/late-calls.ts";
import type { Remembered } from "../../../../services/worker/processor/processor-environment.ts";
import type { ProcessorSlot } from "../../../../services/worker/processor/slot.ts";
import type { FaultKind } from "./faults.ts";
import { Random } from "./random.ts";
import type { Schedule, Start } from "./schedule.ts";
import type { Place } from "./simulated-instance.ts";
import { SimulatedInstance } from "./simulated-instance.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** One life of the worker, from taking the lease to its end. Whatever a dead life waits for never comes. */
export interface Life {
  readonly number: number;
  isDead: boolean;
  isFrozen: boolean;
  /** Whether it was ever frozen. */
  hasSlept: boolean;
  /** Resolves once it has woken up. */
  thawed: Promise<void>;
  readonly lease: { readonly worker: string; held: boolean };
  /** What the worker's process knows from its earlier lives. */
  readonly remembered: Remembered;
  slot?: ProcessorSlot;
}

/** A call whose client is gone, and the place that it has reached. */
interface Pending {
  method: Method;
  at: Place;
  rest: Generator<Place, CallResult, void>;
}

/** What the world tells the driver of a schedule. */
export interface Driver {
  /** The worker of this life was killed. */
  died(life: Life): void;
  leaseLost(life: Life): void;
  /** The worker of this life is frozen, and has lost the lease by the time it wakes up. */
  froze(life: Life): void;
  /** Something has to be done to the processor from outside. */
  act(kind: FaultKind, life: Life): void;
  /** A worker that has lost the lease has reported which of its calls were late. */
  heard(report: LateCallReport): void;
}

/**
 * What never comes. It is another promise each time, because one that lives as long as the process would keep
 * everything that has ever waited for it.
 */
export function never(): Promise<never> {
  return new Promise(() => {});
}

const unseen: CallResult = { kind: "unseen", status: 14, details: "unseen" };
const mostPoints = 5_000;
/** About when the commands of a history were stored (Unix ms). */
const firstStoredAtMs = 500_000;
/** What may be asked without the lease (A4). */
const probes = new Set<Method>(["Ping", "ShowStatus"]);

/** The instance, NATS's stores and the clock of a schedule. Faults happen at given points of it. */
export class World {
  readonly instance = new SimulatedInstance();
  readonly clock = new VirtualClock();
  readonly random: Random;
  /** The processor's log, without what was taken out of it. */
  log: StoredCommand[];
  readonly bucket = new Map<string, { revision: number; value: string }>();
  readonly counts = new Map<string, string>();
  /** The reports of late calls that nobody has read yet. */
  lateCalls: LateCallReport[] = [];
  readonly records = new Map<string, FoundRecord>();
  readonly replies: { life: number; subject: string; reply: Reply }[] = [];
  /** Lines in the log that must never be there. */
  readonly problems: string[] = [];
  /** The last sequence that was ever stored. */
  lastStored: number;
  /** The id that the worker has given to the log. */
  logId: string | undefined;
  /** Another one for each log that is made anew. */
  logNumber = 1;
  revision = 0;
  /** How many lives are frozen. */
  frozen = 0;
  points = 0;
  /** The number of the present connection; undefined while the instance starts. */
  connection: number | undefined = 1;
  connections = 1;
  /**
   * Whether a late call has left a trace that died before anybody could see it (docs/recovery-limits.md, 6).
   */
  isTraceLost = false;
  /** Whether no fault happens any more. */
  isCalm = false;
  /** The points that were passed, each with all that was answered and stored until the next one. */
  readonly trace: { point: string; happened: string[] }[] = [];
  /** What has happened, for people. */
  readonly story: string[];
  driver: Driver | undefined;
  /** The last sequence that the log had when a command was read from it last. */
  seenThrough = 0;
  /** Readers that wait for a command. */
  readonly onStored = new Set<() => void>();
  /** Readers whose reading ends when NATS does. */
  readonly onRestart = new Set<() => void>();
  readonly #faults: Map<string, FaultKind>;
  readonly #passed = new Map<string, number>();
  readonly #onConnection = new Set<() => void>();
  #pending: Pending[] = [];
  #mongoBackAt = 0;
  #natsBackMs = 0;

  constructor({ seed, history: log, faults, start }: Schedule, story: string[]) {
    this.story = story;
    this.log = log.map((command) => ({ storedAtMs: firstStoredAtMs + command.sequence, ...command }));
    this.lastStored = log.at(-1)?.sequence ?? 0;
    this.#faults = new Map(faults.map(({ at = "", point, kind }) => [at + point, kind]));
    this.random = new Random(seed);
    if (!start) return;
    this.bucket.set("p1", { revision: ++this.revision, value: start.checkpoint });
    this.logId = start.logId;
    this.instance.interval = start.interval;
  }

  /** Where another schedule can begin, after this one has ended. */
  get start(): Start {
    const checkpoint = this.bucket.get("p1")?.value ?? "";
    return { checkpoint, logId: this.logId, interval: this.instance.interval };
  }

  /** The instance is killed and starts anew at once. */
  restartInstance(): void {
    this.instance.restart();
    this.#pending = [];
    this.#connect();
  }

  /** Stores a command, as a gateway does. */
  store(command: Omit<StoredCommand, "sequence" | "storedAtMs">): number {
    const sequence = ++this.lastStored;
    this.log.push({ ...command, sequence, storedAtMs: this.clock.nowMs });
    for (const wake of this.onStored) wake();
    return sequence;
  }

  /** NATS ends, this is done to what it has stored, and it starts again. */
  betweenStarts(task: () => void): void {
    this.clock.nowMs += 1_000;
    task();
    this.#natsBackMs = this.clock.nowMs + 200;
    for (const end of [...this.onRestart]) end();
  }

  /** Calls `task` at each change of the connection, until the function that is returned is called. */
  onConnection(task: () => void): () => void {
    this.#onConnection.add(task);
    return () => this.#onConnection.delete(task);
  }

  /**
   * An exchange with NATS that carries out `effect`. Rejects if the answer is lost; `effect` may have been
   * carried out then.
   */
  async exchange<T>(life: Life, name: string, effect: () => T): Promise<T> {
    await null;
    if (life.isFrozen) await life.thawed;
    if (life.isDead) return never();
    const before = this.#point(life, `before ${name}`);
    if (this.#kill(life, before)) return never();
    if (life.isFrozen) await life.thawed;
    if (before === "unseen" || this.clock.nowMs < this.#natsBackMs) {
      await this.clock.sleep(life, 20);
      throw new Error(`${name}: NATS does not answer`);
    }
    const value = effect();
    const after = this.#point(life, `after ${name}`);
    if (this.#kill(life, after)) return never();
    if (life.isFrozen) await life.thawed;
    if (after === "unseen") throw new Error(`${name}: NATS has not answered`);
    return value;
  }

  /** Stores the report, however often NATS does not answer. */
  async tellLateCalls(life: Life, report: LateCallReport): Promise<void> {
    try {
      await this.exchange(life, "tell", () => {
        this.lateCalls.push(report);
        queueMicrotask(() => this.driver?.heard(report));
      });
    } catch {
      await this.clock.sleep(life, 1_000);
      if (!this.lateCalls.includes(report)) await this.tellLateCalls(life, report);
    }
  }

  /** Resolves once NATS answers. If it does already, that is at once. */
  async untilNatsAnswers(life: Life): Promise<void> {
    const awayMs = this.#natsBackMs - this.clock.nowMs;
    if (awayMs > 0) await this.clock.sleep(life, awayMs);
  }

  /** Makes a call over the present connection. */
  async call(life: Life, method: Method, request: Uint8Array): Promise<CallResult> {
    if (life.isFrozen) await life.thawed;
    if (life.isDead) return never();
    if (!life.lease.held && !probes.has(method)) this.problems.push(`${method} is called without the lease`);
    this.#timePasses(0.3);
    const before = this.#point(life, `before ${method}`);
    if (this.#kill(life, before)) return never();
    const { connection } = this;
    if (life.isFrozen) await life.thawed;
    // The connection that it was to be written to is gone.
    if (this.connection !== connection) return unseen;
    if (before === "unseen") this.#connect();
    if (before === "unseen" || isRestart(before) || this.connection === undefined) {
      return { kind: "not-sent", status: 14, details: "not connected" };
    }
    this.story.push(`${this.points} ${method} (life ${life.number})`);
    // KATO's lock: an Observe begins only once every earlier one has ended.
    if (method === "Observe") this.#finish((pending) => pending.method === "Observe");
    const running = this.instance.call(method, request);
    for (;;) {
      const step = running.next();
      const isOver = step.done === true;
      const fault = this.#point(life, isOver ? `answer of ${method}` : `${method} ${step.value.name}`);
      if (!isOver && (fault === "unseen" || fault === "worker")) {
        // A call that has not begun never begins without its client.
        if (step.value.when !== "early") this.#pending.push({ method, at: step.value, rest: running });
        else if (step.value.name !== "begin") runToEnd(running);
      }
      if (life.hasSlept && (isRestart(fault) || fault === "both")) this.isTraceLost = true;
      if (this.#kill(life, fault)) return never();
      if (life.isFrozen) {
        const result = step.done ? step.value : runToEnd(running);
        const at = this.connections;
        await life.thawed;
        return this.connections === at ? result : unseen;
      }
      if (isRestart(fault)) return unseen;
      if (fault === "unseen") {
        this.#connect();
        return unseen;
      }
      if (step.done) {
        if (step.value.kind === "response") this.happened(step.value.bytes.toString("latin1"));
        return step.value;
      }
    }
  }

  /** A pause in which calls under way go on. */
  async pause(life: Life, ms: number): Promise<void> {
    if (life.isFrozen) await life.thawed;
    if (life.isDead) return never();
    this.#pending = this.#pending.filter((call) => {
      while (call.at.when === "soon") {
        const step = call.rest.next();
        if (step.done) return false;
        call.at = step.value;
      }
      return true;
    });
    this.#timePasses(0.6);
    if (this.#kill(life, this.#point(life, "pause"))) return never();
    await this.clock.sleep(life, ms);
  }

  /** Adds to the trace what was answered, stored or changed. */
  happened(what: string): void {
    this.trace.at(-1)?.happened.push(what);
  }

  /** Ends every call under way. */
  settle(): void {
    this.#finish(() => true);
    this.instance.isMongoAway = false;
  }

  #timePasses(probability: number): void {
    this.#pending = this.#pending.filter((call) => {
      while (this.random.chance(probability)) {
        const step = call.rest.next();
        if (step.done) return false;
        call.at = step.value;
      }
      return true;
    });
    if (this.instance.isMongoAway && this.points >= this.#mongoBackAt) {
      this.instance.isMongoAway = false;
      this.happened("MongoDB is back");
    }
  }

  #finish(which: (call: Pending) => boolean): void {
    const ended = this.#pending.filter(which);
    this.#pending = this.#pending.filter((call) => !ended.includes(call));
    for (const { rest } of ended) runToEnd(rest);
  }

  #point(life: Life, name: string): FaultKind | undefined {
    if (++this.points > mostPoints) this.problems.push("it does not come to an end");
    const ofName = (this.#passed.get(name) ?? 0) + 1;
    this.#passed.set(name, ofName);
    this.trace.push({ point: `${life.number} ${name}`, happened: [] });
    if (this.isCalm) return undefined;
    const fault = this.#faults.get(String(this.points)) ?? this.#faults.get(name + ofName);
    if (fault) this.#happen(fault, life, `${name}, ${ofName}`);
    return fault;
  }

  #happen(fault: FaultKind, life: Life, where: string): void {
    this.story.push(`${fault} at "${where}" in life ${life.number}`);
    if (fault === "mongo") {
      this.instance.isMongoAway = true;
      this.#mongoBackAt = this.points + 1 + this.random.integer(12);
    } else if (fault === "nats") {
      this.#natsBackMs = this.clock.nowMs + 50 + this.random.integer(3_000);
    } else if (fault === "sleep") {
      if (!life.isFrozen && life.lease.held) this.#freeze(life);
    } else if (fault === "lease") {
      life.lease.held = false;
      queueMicrotask(() => this.driver?.leaseLost(life));
    } else if (!["instance", "worker", "both", "slow-start", "unseen"].includes(fault)) {
      queueMicrotask(() => this.driver?.act(fault, life));
    }
  }

  #freeze(life: Life): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    life.isFrozen = true;
    this.frozen++;
    life.hasSlept = true;
    life.lease.held = false;
    life.thawed = promise;
    this.driver?.froze(life);
    this.clock.after({ isDead: false }, this.random.integer(9_000), () => {
      this.story.push(`life ${life.number} wakes up`);
      life.isFrozen = false;
      this.frozen--;
      resolve();
      this.driver?.leaseLost(life);
    });
  }

  /** Carries out a fault that kills. Returns whether the life is dead. */
  #kill(life: Life, fault: FaultKind | undefined): boolean {
    if (isRestart(fault) || fault === "both") {
      if (fault === "slow-start") this.#startSlowly();
      else this.restartInstance();
    }
    if (fault === "worker" || fault === "both") {
      life.isDead = true;
      if (life.hasSlept) this.isTraceLost = true;
      this.driver?.died(life);
    }
    return life.isDead;
  }

  #connect(): void {
    this.connection = ++this.connections;
    for (const task of [...this.#onConnection]) task();
  }

  #startSlowly(): void {
    this.instance.restart();
    this.#pending = [];
    this.connection = undefined;
    for (const task of [...this.#onConnection]) task();
    const world = { isDead: false };
    this.clock.after(world, 100 + this.random.integer(2_500), () => {
      if (this.connection === undefined) this.#connect();
    });
  }
}

function isRestart(fault: FaultKind | undefined): boolean {
  return fault === "instance" || fault === "slow-start";
}

function runToEnd(rest: Generator<Place, CallResult, void>): CallResult {
  for (;;) {
    const step = rest.next();
    if (step.done) return step.value;
  }
}
