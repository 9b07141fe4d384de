import assert from "node:assert/strict";
import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../../libs/kato/codec.ts";
import type { Checkpoint } from "../../../../services/worker/checkpoint/checkpoint.ts";
import { isReplayed } from "../../../../services/worker/checkpoint/checkpoint.ts";
import type { DegradationCode } from "../../../../services/worker/checkpoint/degradation.ts";
import type { ProcessorSlot } from "../../../../services/worker/processor/slot.ts";
import type { Fault } from "./faults.ts";
import { Lives } from "./lives.ts";
import { Random } from "./random.ts";
import type { Life } from "./world.ts";
import { World } from "./world.ts";

/** What happens to the store. */
export const damages = [
  /** The log is an older one. */
  "log-back",
  /** The log was deleted, and made anew. */
  "log-anew",
  /** One command is gone from the log. */
  "hole",
  /** All checkpoints are gone. */
  "checkpoint-gone",
  /** Everything is as it was some time ago. */
  "store-back",
] as const;

export type Damage = (typeof damages)[number];

/** What may be told after a damage. Each damage has its own. */
const causes: Record<Damage, DegradationCode[]> = {
  "log-back": ["log-lost", "commands-lost", "ahead-of-log", "adopted"],
  "log-anew": ["log-lost", "ahead-of-log", "adopted"],
  hole: ["commands-lost", "log-lost", "working-memory-differs"],
  "checkpoint-gone": [],
  // A Learn of what the older log does not have is taken for somebody else's.
  "store-back": ["store-went-back", "ahead-of-log", "log-lost", "adopted", "foreign-learn"],
};
/** What follows from a log that lacks what a rebuild needs. */
const consequences: DegradationCode[] = ["working-memory-differs", "learn-torn", "learn-perhaps-torn"];
/** What is told once an operator has decided about a processor that was held. */
const decisions: DegradationCode[] = ["adopted"];

/** How long the processor has to be at rest before a schedule is over. */
const restMs = 8_000;
const crashes = ["unseen", "lease", "nats", "full", "worker", "instance", "both"] as const;
/**
 * Where everything in the store goes back, and both the worker and the instance lose their memory, nothing is
 * left that knows it (docs/recovery-limits.md). So then the instance does not die.
 */
const crashesWithoutInstance = 5;

/** What is kept of the store, to go back to it. */
type Copy = Pick<World, "log" | "lastStored" | "logId" | "bucket" | "counts" | "records" | "revision">;

/**
 * A schedule in which the store is damaged. Clients send observations of different strings, each greater than
 * the one before, and Learns between them. So the instance shows in the end what was applied twice, what was
 * applied out of order, and what was lost.
 */
export class DamageSchedule {
  readonly damage: Damage;
  readonly story: string[] = [];
  readonly #random: Random;
  readonly #world: World;
  readonly #lives: Lives;
  /** The strings that were accepted, in order. */
  readonly #accepted: string[] = [];
  /** The ids of the commands that were concluded. */
  readonly #concluded = new Set<string>();
  #copy: Copy | undefined;
  #left: number;
  #ids = 0;
  /** How many observations were sent since the last Learn. */
  #unlearned = 0;
  /** What clients were told that it has failed, or may have. */
  readonly #failed = new Set<string>();
  /** What was lost before a worker knew of it. */
  readonly #unseen = new Set<string>();
  /** The life of the worker that is carrying out what an operator has decided. */
  #deciding: Life | undefined;
  #wasHeld = false;
  #wasDamaged = false;
  /** How much of the story was looked at. */
  #toldLines = 0;
  /** The life of the worker that knew at the time of the damage what there was. */
  #witness: Life | undefined;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.damage = damages[this.#random.integer(damages.length)] ?? "hole";
    this.#left = 4 + this.#random.integer(12);
    const kinds = this.damage === "store-back" ? crashesWithoutInstance : crashes.length;
    const faults: Fault[] = Array.from({ length: this.#random.integer(3) }, () => ({
      point: 1 + this.#random.integer(200),
      kind: crashes[this.#random.integer(kinds)] ?? "worker",
    }));
    this.#world = new World({ seed, history: [], faults }, this.story);
    this.#lives = new Lives(this.#world, { onConnect: (life) => this.#watch(life), act: () => {} });
  }

  /** Throws if something was lost without being told, applied twice, or applied out of order. */
  async run(): Promise<void> {
    const { clock } = this.#world;
    const world = { isDead: false };
    this.#send(1 + this.#random.integer(3));
    this.#lives.begin();
    clock.after(world, this.#random.integer(1_500), () => this.#copyStore());
    clock.after(world, 1_500 + this.#random.integer(2_000), () => this.#hurt());
    let restingSinceMs: number | undefined;
    await this.#lives.pump(() => {
      this.#decideIfHeld();
      const isResting = this.#isResting() && !this.#isTryingAgain();
      restingSinceMs = isResting ? (restingSinceMs ?? clock.nowMs) : undefined;
      return restingSinceMs !== undefined && clock.nowMs - restingSinceMs >= restMs;
    });
    this.#world.settle();
    this.#check();
  }

  /** How it stands, for people. */
  describe(): string {
    const slot = this.#lives.current?.slot;
    const { log, lastStored, logId } = this.#world;
    const stored = log.map(({ sequence }) => sequence);
    return JSON.stringify({
      ...{ state: slot?.state, lastStored, logId, stored },
      checkpoint: slot?.processor?.context.checkpoint.current,
      events: this.#world.instance.events.flat(),
    });
  }

  /** Stores so many commands, and more of them some time later. */
  #send(count: number): void {
    for (let left = count; left > 0 && this.#left > 0; left--) {
      this.#left--;
      // KATO makes no model of a single event.
      const isLearn = this.#unlearned > 1 && this.#random.chance(0.3);
      this.#unlearned = isLearn ? 0 : this.#unlearned + 1;
      const id = `c${++this.#ids}`;
      const text = textOf(id);
      const [method, data] = isLearn
        ? ["Learn", new Uint8Array()]
        : ["Observe", encodeRequest("Observe", { strings: [text], unique_id: id })];
      const sequence = this.#world.store({ id, processor: "p1", method, data });
      if (!isLearn) this.#accepted.push(text);
      this.story.push(`${sequence} ${method} ${isLearn ? "" : text} is stored`);
    }
    if (this.#left === 0) return;
    const again = () => this.#send(1 + this.#random.integer(3));
    this.#world.clock.after({ isDead: false }, this.#random.integer(800), again);
  }

  /**
   * Where everything goes back to before the instance was adopted, it is a new processor with an instance that has a
   * history (docs/recovery-limits.md). So no copy is made before that.
   */
  #copyStore(): void {
    const { adopted } = JSON.parse(this.#world.bucket.get("p1")?.value ?? "{}") as Partial<Checkpoint>;
    if (!adopted) return void this.#world.clock.after({ isDead: false }, 100, () => this.#copyStore());
    const { log, lastStored, logId, bucket, counts, records, revision } = this.#world;
    this.story.push(`a copy of the store is made, up to ${lastStored}`);
    this.#copy = {
      ...{ log: [...log], lastStored, logId, revision },
      ...{ bucket: new Map(bucket), counts: new Map(counts), records: new Map(records) },
    };
  }

  #hurt(): void {
    const world = this.#world;
    this.#wasDamaged = true;
    this.#witness = this.#lives.current?.slot?.processor && this.#lives.current;
    this.story.push(`${this.damage}, the log ends at ${world.lastStored}`);
    const before = new Map(world.log.map((command) => [command.id, command.sequence]));
    const { log } = JSON.parse(world.bucket.get("p1")?.value ?? "{}") as Partial<Checkpoint>;
    const seenThrough = Math.min(world.seenThrough, log?.end ?? 0);
    world.betweenStarts(() => {
      if (this.damage === "log-back") this.#cutLog(this.#random.integer(world.lastStored + 1));
      if (this.damage === "log-anew") {
        world.logId = undefined;
        world.logNumber++;
        this.#cutLog(0);
      }
      if (this.damage === "hole") world.log.splice(this.#random.integer(world.log.length), 1);
      if (this.damage === "checkpoint-gone") world.bucket.clear();
      if (this.damage === "store-back" && this.#copy) this.#goBack(this.#copy);
    });
    for (const { id } of world.log) before.delete(id);
    // What no worker has seen and persisted, only the gateway has known that has stored it.
    for (const [id, sequence] of before) if (sequence > seenThrough) this.#unseen.add(textOf(id));
    // Clients are quicker than the worker.
    if (this.#random.chance(0.7)) this.#send(this.#random.integer(4));
  }

  #cutLog(last: number): void {
    this.#world.log = this.#world.log.filter(({ sequence }) => sequence <= last);
    this.#world.lastStored = last;
    this.story.push(`the log ends at ${last}`);
  }

  #goBack({ log, lastStored, logId, bucket, counts, records, revision }: Copy): void {
    const world = this.#world;
    Object.assign(world, { log: [...log], lastStored, logId, revision });
    for (const [now, before] of [
      [world.bucket, bucket],
      [world.counts, counts],
      [world.records, records],
    ] as [Map<string, unknown>, Map<string, unknown>][]) {
      now.clear();
      for (const [key, value] of before) now.set(key, value);
    }
    this.story.push(`the log ends at ${lastStored}`);
  }

  #isResting(): boolean {
    const { current } = this.#lives;
    const processor = current?.slot?.processor;
    if (!this.#wasDamaged || this.#left > 0 || !current?.lease.held || !processor) return false;
    const { checkpoint, instance } = processor.context;
    const { applied, replaying, held } = checkpoint.current;
    if (held || replaying || !instance.reconciled) return false;
    return applied >= this.#world.lastStored && checkpoint.persisted === checkpoint.current;
  }

  /** Whether the worker has failed to go on since this was asked last. */
  #isTryingAgain(): boolean {
    const news = this.story.slice(this.#toldLines);
    this.#toldLines = this.story.length;
    return news.some((line) => line.includes("cannot go on"));
  }

  #watch(life: Life): void {
    const context = life.slot?.processor?.context;
    if (!context) return;
    const { outcomes, checkpoint } = context;
    context.outcomes = {
      concludeStep: (step, outcome) => {
        if (!isReplayed(checkpoint.current, step.at.sequence)) this.#concluded.add(step.command.id);
        if (outcome.outcome !== "applied") this.#failed.add(textOf(step.command.id));
        outcomes.concludeStep(step, outcome);
      },
    };
  }

  /** An operator decides about a held processor, and knows what its instance has. */
  #decideIfHeld(): void {
    const { current } = this.#lives;
    const slot = current?.slot;
    if (this.#deciding === current || slot?.state.state !== "held") return;
    // The operator waits until the instance has nothing under way.
    this.#world.settle();
    this.#deciding = current;
    this.#wasHeld = true;
    const { log } = this.#world;
    const isComplete = log.every(({ sequence }, index) => sequence === index + 1);
    const request =
      isComplete && this.#random.chance(0.5) && log.length > 0
        ? { dryRun: false, from: 1 }
        : { dryRun: false, adopt: { applied: this.#appliedTo(slot) } };
    this.story.push(`it is held (${slot.state.reason}); ${JSON.stringify(request)}`);
    const asked = slot.rebuild(request).then(
      (answer) => this.story.push(JSON.stringify(answer)),
      (error: Error) => this.story.push(error.message),
    );
    void asked.then(() => {
      if (this.#deciding === current) this.#deciding = undefined;
    });
  }

  /** The last sequence up to which the instance has everything. */
  #appliedTo(slot: ProcessorSlot): number {
    const { log } = this.#world;
    const through = slot.processor?.context.checkpoint.current.held?.through ?? 0;
    const known = log.filter(({ sequence }) => sequence <= through);
    const last = known.findLast((command) => this.#isApplied(command));
    const first = (log[0]?.sequence ?? this.#world.lastStored + 1) - 1;
    return Math.max(first, last?.sequence ?? 0);
  }

  #isApplied(command: StoredCommand): boolean {
    if (this.#concluded.has(command.id)) return true;
    return command.method === "Observe" && this.#timesOf(textOf(command.id)) > 0;
  }

  /** How often the instance has this string. */
  #timesOf(text: string): number {
    const { events, kept } = this.#world.instance;
    const inMemory = events.flat().filter((symbol) => symbol === text).length;
    const learned = [...kept.models.values()].map(({ events, frequency }) =>
      events.flat().includes(text) ? frequency : 0,
    );
    return learned.reduce((sum, times) => sum + times, inMemory);
  }

  #checkOnce(): void {
    for (const text of this.#accepted) assert.ok(this.#timesOf(text) <= 1, `${text} was applied twice`);
  }

  #check(): void {
    const { instance } = this.#world;
    const checkpoint = this.#lives.current?.slot?.processor?.context.checkpoint.current;
    assert.ok(checkpoint);
    const codes = checkpoint.degradations.map(({ code }) => code);
    // Working memory is then that of an older log, and what was learned since stays.
    const isToldAsForeign = checkpoint.foreign.ticks > 0 || codes.includes("foreign-learn");
    const hasGoneBack = this.damage === "store-back" && isToldAsForeign;
    if (!hasGoneBack) this.#checkOnce();
    const sequences = [
      instance.events.flat(),
      ...[...instance.kept.models.values()].map((m) => m.events.flat()),
    ];
    for (const one of sequences) assert.deepEqual(one, one.toSorted(), "it was applied in order");
    const missing = this.#accepted.filter(
      (text) => !this.#unseen.has(text) && !this.#failed.has(text) && this.#timesOf(text) === 0,
    );
    const cause = causes[this.damage];
    const isTold =
      this.#wasHeld || checkpoint.foreign.ticks > 0 || codes.some((code) => cause.includes(code));
    // Where everything goes back, only a worker that goes on knows what there was (docs/recovery-limits.md).
    const isForgotten = this.damage === "store-back" && this.#witness !== this.#lives.current;
    // Without the unseen ones a Learn may have found a single event.
    if (missing.length > 0 && this.#unseen.size === 0 && !isForgotten)
      assert.ok(isTold, `${missing} are lost, and only ${codes} is told`);
    const allowed = [...cause, ...consequences, ...(this.#wasHeld ? decisions : [])];
    const others = codes.filter((code) => !allowed.includes(code));
    assert.deepEqual(others, [], "degraded for another reason");
    assert.equal(checkpoint.interval, instance.interval, "the checkpoint's interval is the instance's");
  }
}

/** The string that the command with this id observes. */
function textOf(id: string): string {
  return `s${id.slice(1).padStart(3, "0")}`;
}

/** Runs `count` seeds from `first` on. Resolves to the first failure in words; undefined if there is none. */
export async function exploreDamage(first: number, count: number): Promise<string | undefined> {
  for (let seed = first; seed < first + count; seed++) {
    const schedule = new DamageSchedule(seed);
    try {
      await schedule.run();
    } catch (error) {
      const lines = schedule.story.map((line) => `  ${line}`);
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const head = `CHAOS_SEED=${seed} fails (${schedule.damage}):`;
      return [head, ...lines, schedule.describe(), failure].join("\n");
    }
  }
  return undefined;
}
