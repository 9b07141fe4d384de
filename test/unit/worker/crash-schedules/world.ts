import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../../libs/commands/messages/reply.ts";
import type { CommandRecord } from "../../../../libs/commands/outcomes/outcome-store.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../../libs/kato/unary-call.ts";
import type { ProcessorSlot } from "../../../../services/worker/processor/slot.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { Random } from "./random.ts";
import type { Place } from "./simulated-instance.ts";
import { SimulatedInstance } from "./simulated-instance.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** One life of the worker, from taking the lease to its end. What a dead one still waits for never comes. */
export interface Life {
  readonly number: number;
  isDead: boolean;
  readonly lease: { readonly worker: string; held: boolean };
  slot?: ProcessorSlot;
}

/** A call whose client is gone, and where it has come to. */
interface Pending {
  method: Method;
  at: Place;
  rest: Generator<Place, CallResult, void>;
}

/** What the driver of a schedule is asked to do. */
export interface Driver {
  /** The worker of this life was killed. */
  died(life: Life): void;
  leaseLost(life: Life): void;
  /** Something is done to the processor from outside. */
  act(kind: FaultKind, life: Life): void;
}

export const never = new Promise<never>(() => {});
const unseen: CallResult = { kind: "unseen", status: 14, details: "unseen" };
const mostPoints = 5_000;
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
  readonly records = new Map<string, { revision: number; record: CommandRecord }>();
  readonly replies: { life: number; subject: string; reply: Reply }[] = [];
  /** What must never be said in the log. */
  readonly problems: string[] = [];
  /** The last sequence that was ever stored. */
  readonly lastStored: number;
  revision = 0;
  points = 0;
  /** Which connection there is; undefined while the instance starts. */
  connection: number | undefined = 1;
  connections = 1;
  /** No fault happens any more. */
  isCalm = false;
  /** What has happened, for people. */
  readonly story: string[];
  driver: Driver | undefined;
  readonly #faults: Map<string, FaultKind>;
  readonly #passed = new Map<string, number>();
  readonly #onConnection = new Set<() => void>();
  #pending: Pending[] = [];
  #mongoBackAt = 0;
  #natsBackMs = 0;

  constructor(seed: number, log: readonly StoredCommand[], faults: readonly Fault[], story: string[]) {
    this.story = story;
    this.log = log.map((command) => ({ ...command }));
    this.lastStored = log.at(-1)?.sequence ?? 0;
    this.#faults = new Map(faults.map(({ at = "", point, kind }) => [at + point, kind]));
    this.random = new Random(seed);
  }

  /** The instance is killed and starts anew at once. */
  restartInstance(): void {
    this.instance.restart();
    this.#pending = [];
    this.#connect();
  }

  /** Called at each change of the connection until the function that is returned is called. */
  onConnection(task: () => void): () => void {
    this.#onConnection.add(task);
    return () => this.#onConnection.delete(task);
  }

  /** An exchange with NATS that carries out `effect`. Rejects where nobody is told that it did. */
  async exchange<T>(life: Life, name: string, effect: () => T): Promise<T> {
    await null;
    if (life.isDead) return never;
    const before = this.#point(life, `before ${name}`);
    if (this.#kill(life, before)) return never;
    if (before === "unseen" || this.clock.nowMs < this.#natsBackMs) {
      await this.clock.sleep(life, 20);
      throw new Error(`${name}: NATS does not answer`);
    }
    const value = effect();
    const after = this.#point(life, `after ${name}`);
    if (this.#kill(life, after)) return never;
    if (after === "unseen") throw new Error(`${name}: NATS has not answered`);
    return value;
  }

  /** Resolves once NATS answers, at once where it does. */
  async untilNatsAnswers(life: Life): Promise<void> {
    const awayMs = this.#natsBackMs - this.clock.nowMs;
    if (awayMs > 0) await this.clock.sleep(life, awayMs);
  }

  /** Makes a call over the connection that stands. */
  async call(life: Life, method: Method, request: Uint8Array): Promise<CallResult> {
    if (life.isDead) return never;
    if (!life.lease.held && !probes.has(method)) this.problems.push(`${method} is called without the lease`);
    this.#timePasses(0.3);
    const before = this.#point(life, `before ${method}`);
    if (this.#kill(life, before)) return never;
    if (before === "unseen") this.#connect();
    if (before === "unseen" || isRestart(before) || this.connection === undefined) {
      return { kind: "not-sent", status: 14, details: "not connected" };
    }
    this.story.push(`${this.points} ${method} (life ${life.number})`);
    // KATO's lock.
    if (method === "Observe") this.#finish((pending) => pending.method === "Observe");
    const running = this.instance.call(method, request);
    for (;;) {
      const step = running.next();
      const isOver = step.done === true;
      const fault = this.#point(life, isOver ? `answer of ${method}` : `${method} ${step.value.name}`);
      if (!isOver && (fault === "unseen" || fault === "worker")) {
        // Where nothing has begun, nothing begins without a client.
        if (step.value.when !== "early") this.#pending.push({ method, at: step.value, rest: running });
        else if (step.value.name !== "begin") runToEnd(running);
      }
      if (this.#kill(life, fault)) return never;
      if (isRestart(fault)) return unseen;
      if (fault === "unseen") {
        this.#connect();
        return unseen;
      }
      if (step.done) return step.value;
    }
  }

  /** A while in which calls under way go on. */
  async pause(life: Life, ms: number): Promise<void> {
    if (life.isDead) return never;
    this.#pending = this.#pending.filter((call) => {
      while (call.at.when === "soon") {
        const step = call.rest.next();
        if (step.done) return false;
        call.at = step.value;
      }
      return true;
    });
    this.#timePasses(0.6);
    if (this.#kill(life, this.#point(life, "pause"))) return never;
    await this.clock.sleep(life, ms);
  }

  /** Every call under way comes to its end. */
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
    if (this.points >= this.#mongoBackAt) this.instance.isMongoAway = false;
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
    } else if (fault === "lease") {
      life.lease.held = false;
      queueMicrotask(() => this.driver?.leaseLost(life));
    } else if (!["instance", "worker", "both", "slow-start", "unseen"].includes(fault)) {
      queueMicrotask(() => this.driver?.act(fault, life));
    }
  }

  /** Carries out what kills; returns whether the life is dead. */
  #kill(life: Life, fault: FaultKind | undefined): boolean {
    if (isRestart(fault) || fault === "both") {
      if (fault === "slow-start") this.#startSlowly();
      else this.restartInstance();
    }
    if (fault === "worker" || fault === "both") {
      life.isDead = true;
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

function runToEnd(rest: Generator<Place, CallResult, void>): void {
  while (!rest.next().done);
}
