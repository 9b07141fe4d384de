import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { Interrupted } from "../../../services/worker/interruptions.ts";
import type { Place } from "./instance.ts";
import { SimulatedInstance } from "./instance.ts";
import { Random } from "./random.ts";

/** What goes wrong, and at which of the points that a run passes, counted from 1: of all, or of those of a name. */
export interface Fault {
  at?: string;
  point: number;
  kind: FaultKind;
}

export const faultKinds = [
  /** The instance is killed and starts anew. */
  "instance",
  /** The applier is killed; a call under way goes on without it. */
  "applier",
  "both",
  /** The connection breaks under the call, or the answer to a write of the checkpoint is lost. */
  "unseen",
  /** MongoDB is away for a few calls. */
  "mongo",
] as const;
export type FaultKind = (typeof faultKinds)[number];

interface Pending {
  method: Method;
  /** Where it has come to. */
  at: Place;
  rest: Generator<Place, CallResult, void>;
}

const never = new Promise<never>(() => {});
const unseen: CallResult = { kind: "unseen", status: 14, details: "unseen" };
const notSent: CallResult = { kind: "not-sent", status: 14, details: "not connected" };
const mostPoints = 5_000;

/** An instance, the store of the checkpoint, and a clock, where faults happen at given points. */
export class World {
  readonly instance = new SimulatedInstance();
  /** Which connection there is; a call over an older one is not sent. */
  connection = 1;
  stored: Checkpoint | undefined;
  points = 0;
  /** What has happened, for people. */
  readonly story: string[];
  readonly #faults: Map<string, FaultKind>;
  readonly #passed = new Map<string, number>();
  readonly #random: Random;
  /** Calls whose client is gone, each carried on in its own time. */
  #pending: Pending[] = [];
  #lives = 0;
  /** The applier's life that goes on, 0 for none. */
  #life = 0;
  #die: () => void = () => {};
  #mongoBackAt = 0;
  #late: (() => void)[] = [];

  constructor(seed: number, faults: readonly Fault[], story: string[]) {
    this.story = story;
    this.#faults = new Map(faults.map(({ at = "", point, kind }) => [at + point, kind]));
    this.#random = new Random(seed);
  }

  /** Begins a life of the applier; resolves when it is killed. What an earlier one still waits for never comes. */
  live(): { life: number; death: Promise<"killed"> } {
    this.#late = [];
    const { promise, resolve } = Promise.withResolvers<"killed">();
    this.#die = () => resolve("killed");
    this.#life = ++this.#lives;
    return { life: this.#life, death: promise };
  }

  /** What is due some time: done at a point of the schedule's choice, or never. */
  later(task: () => void): () => void {
    this.#late.push(task);
    return () => {
      this.#late = this.#late.filter((other) => other !== task);
    };
  }

  async call(life: number, connection: number, method: Method, request: Uint8Array): Promise<CallResult> {
    if (life !== this.#life) return never;
    this.#timePasses(0.3);
    const before = this.#point(`before ${method}`);
    if (this.#kill(before) === "applier") return never;
    if (before === "unseen") this.connection++;
    if (connection !== this.connection) return notSent;
    this.story.push(`${this.points} ${method}`);
    // KATO's lock.
    if (method === "Observe") this.#finish((pending) => pending.method === "Observe");
    const running = this.instance.call(method, request);
    for (;;) {
      const step = running.next();
      const isOver = step.done === true;
      const fault = this.#point(isOver ? `answer of ${method}` : `${method} ${step.value.name}`);
      if (!isOver && (fault === "unseen" || fault === "applier")) {
        // Where nothing has begun, nothing begins without a client.
        if (step.value.when !== "early") this.#pending.push({ method, at: step.value, rest: running });
        else if (step.value.name !== "begin") this.#run(running);
      }
      const killed = this.#kill(fault);
      if (killed === "applier") return never;
      if (killed === "instance") return unseen;
      if (fault === "unseen") {
        this.connection++;
        return unseen;
      }
      if (step.done) return step.value;
    }
  }

  /** Stores the checkpoint; rejects where it is not told that it did. */
  async save(life: number, checkpoint: Checkpoint): Promise<void> {
    if (life !== this.#life) return never;
    const text = JSON.stringify(checkpoint);
    const before = this.#point("before a write");
    if (this.#kill(before) === "applier") return never;
    if (before === "unseen") throw new Interrupted("the checkpoint cannot be written");
    this.stored = JSON.parse(text);
    const after = this.#point("after a write");
    if (this.#kill(after) === "applier") return never;
    if (after === "unseen") throw new Interrupted("the checkpoint's write was not answered");
  }

  /** A while in which calls under way go on. */
  async pause(life: number): Promise<void> {
    if (life !== this.#life) return never;
    this.#pending = this.#pending.filter((call) => {
      while (call.at.when === "soon") {
        const step = call.rest.next();
        if (step.done) return false;
        call.at = step.value;
      }
      return true;
    });
    this.#timePasses(0.6);
    if (this.#kill(this.#point("pause")) === "applier") return never;
  }

  /** Every call under way comes to its end. */
  settle(): void {
    this.#finish(() => true);
    this.instance.isMongoAway = false;
  }

  #timePasses(probability: number): void {
    this.#pending = this.#pending.filter((call) => {
      while (this.#random.chance(probability)) {
        const step = call.rest.next();
        if (step.done) return false;
        call.at = step.value;
      }
      return true;
    });
    if (this.#late.length > 0 && this.#random.chance(0.2)) {
      for (const task of this.#late.splice(0)) task();
    }
    if (this.points >= this.#mongoBackAt) this.instance.isMongoAway = false;
  }

  #finish(which: (call: Pending) => boolean): void {
    const mine = this.#pending.filter(which);
    this.#pending = this.#pending.filter((call) => !mine.includes(call));
    for (const { rest } of mine) this.#run(rest);
  }

  #run(rest: Generator<Place, CallResult, void>): void {
    while (!rest.next().done);
  }

  #point(name: string): FaultKind | undefined {
    if (++this.points > mostPoints) throw new Error("it does not come to an end");
    const ofName = (this.#passed.get(name) ?? 0) + 1;
    this.#passed.set(name, ofName);
    const fault = this.#faults.get(String(this.points)) ?? this.#faults.get(name + ofName);
    if (fault) this.story.push(`${fault} at "${name}", ${ofName}`);
    if (fault === "mongo") {
      this.instance.isMongoAway = true;
      this.#mongoBackAt = this.points + 1 + this.#random.integer(12);
    }
    return fault;
  }

  #kill(fault: FaultKind | undefined): "instance" | "applier" | undefined {
    if (fault === "instance" || fault === "both") {
      this.instance.restart();
      this.#pending = [];
      this.connection++;
    }
    if (fault === "applier" || fault === "both") {
      this.#life = 0;
      this.#die();
      return "applier";
    }
    return fault === "instance" ? "instance" : undefined;
  }
}
