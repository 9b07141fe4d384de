import type { Random } from "../../worker/crash-schedules/random.ts";
import { SimulatedLog } from "./simulated-log.ts";
import type { JetStreamAnswer, Published, World } from "./world.ts";

/** A writer that takes batches is full at so many commands. */
const fullAt = 3_000;

/**
 * Writes to a simulated log, with faults drawn by chance: answers get lost, connections break and what they carried
 * comes late or not at all, NATS restarts, others write in between, and the log becomes full.
 */
export class Schedule {
  readonly log = new SimulatedLog();
  readonly added: string[] = [];
  readonly world: World;
  readonly #random: Random;
  /** The most that is added in a step, and that is delivered. */
  readonly #most: { added: number; delivered: number };
  #taken = 0;
  /** What was sent over connections that are broken. */
  readonly #late: Published[][] = [];
  readonly #answers: { reply: string; answer: JetStreamAnswer }[] = [];
  #others = 0;

  /** With `isLarge` so much is written that batches are full, and the writer is. */
  constructor(world: World, random: Random, isLarge: boolean) {
    this.world = world;
    this.#random = random;
    this.#most = isLarge ? { added: 500, delivered: 900 } : { added: 6, delivered: 8 };
    world.writer.settle().catch(() => {});
  }

  /** It has given up: it is full although little is under way. */
  get hasFailed(): boolean {
    return this.world.writer.isFull && this.world.writer.underWay < fullAt;
  }

  step(): void {
    const { world, log } = this;
    const chance = this.#random.integer(100);
    if (chance < 30) this.#add(1 + this.#random.integer(this.#most.added));
    else if (chance < 60) this.#deliver(1 + this.#random.integer(this.#most.delivered));
    else if (chance < 82) this.#answer();
    else if (chance < 86) this.#answers.shift();
    else if (chance < 89) log.push(`other-${this.#others++}`);
    else if (chance < 92) this.#break();
    else if (chance < 94) this.#deliverLate();
    else if (chance < 95) log.restart();
    else world.pass(50 * (1 + this.#random.integer(50)));
  }

  /** Lets everything arrive. */
  finish(): void {
    const { world } = this;
    for (let left = 9_000; left > 0 && world.writer.underWay > 0 && !this.hasFailed; left--) {
      this.#deliver(Number.POSITIVE_INFINITY);
      while (this.#answers.length > 0) this.#answer();
      world.pass(50);
    }
  }

  #add(count: number): void {
    for (let left = count; left > 0 && !this.world.writer.isFull; left--) {
      const id = `n${this.added.length}`;
      this.added.push(id);
      this.world.add(id);
    }
  }

  #deliver(count: number): void {
    const { published } = this.world;
    for (let left = count; left > 0 && this.#taken < published.length; left--) {
      const message = published[this.#taken++];
      if (message) this.#take(message);
    }
  }

  #take(message: Published): void {
    const answer = this.log.take(message);
    if (answer) this.#answers.push({ reply: message.reply, answer });
  }

  #answer(): void {
    const { reply, answer } = this.#answers.shift() ?? {};
    if (reply !== undefined && answer) this.world.answerTo(reply, answer);
  }

  #break(): void {
    const { world } = this;
    this.#late.push(world.published.slice(this.#taken));
    this.#taken = world.published.length;
    world.session++;
    world.pass(50);
  }

  #deliverLate(): void {
    const messages = this.#late.shift() ?? [];
    for (const message of messages.slice(0, this.#random.integer(messages.length + 1))) this.#take(message);
  }
}
