import assert from "node:assert/strict";
import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import type { Checkpoint } from "../../../../services/worker/checkpoint/checkpoint.ts";
import { isReplayed } from "../../../../services/worker/checkpoint/checkpoint.ts";
import type { DegradationCode } from "../../../../services/worker/checkpoint/degradation.ts";
import type { Step } from "../../../../services/worker/model/step.ts";
import type { StepOutcome } from "../../../../services/worker/model/step-outcome.ts";
import type { ProcessorSlot } from "../../../../services/worker/processor/slot.ts";
import { checkCounts, checkTold } from "./check-told.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { Lives } from "./lives.ts";
import { reference, snapshot } from "./reference.ts";
import type { Life } from "./world.ts";
import { World } from "./world.ts";

export interface Schedule {
  seed: number;
  history: readonly StoredCommand[];
  faults: readonly Fault[];
  /** Whether the end must be exact: no difference is excused by what KATO does not let anybody restore. */
  isExact?: boolean;
  /** Where it begins; at an instance that is new to the gateway unless it is given. */
  start?: Start | undefined;
}

/** The beginning of a schedule whose instance is adopted already. */
export interface Start {
  checkpoint: string;
  logId: string | undefined;
  interval: number;
}

/** A step that a life of the worker has concluded, with the interval that clients see. */
export interface Concluded {
  life: number;
  step: Step;
  outcome: StepOutcome;
  interval: number;
  isReplayed: boolean;
  /** Whether the life had been frozen. Then another life may have concluded the step, too. */
  isStale: boolean;
}

/** What a schedule has come to. */
export interface Ended {
  /** How many points it has passed until everything was applied. */
  points: number;
  world: World;
  /** All that was told, as a text. */
  told(): string;
}

/**
 * How long a processor has to be at rest before a schedule is over. It is longer than the time between two
 * probes of an idle instance.
 */
const restMs = 3_000;
/**
 * The codes with which working memory is not compared at a schedule's end (docs/recovery-limits.md, 1 and 3).
 */
const inexact: DegradationCode[] = ["kept-event-reordered", "vectors-differ"];
/** The codes with which the statistics of symbols are not compared (docs/recovery-limits.md, 1). */
const ofStatistics: DegradationCode[] = ["learn-torn", "learn-perhaps-torn"];
const excused: DegradationCode[] = [...inexact, ...ofStatistics, "auto-learn-unknown"];
/** The codes for what a worker that woke up late may have done and what cannot be taken back. */
const ofSleepers: DegradationCode[] = ["foreign-learn", "foreign-vectors", "perhaps-cleared"];

/**
 * Runs a schedule: the worker's own code for one processor, in a world where these faults happen. Resolves to
 * the number of points that it passes until everything is applied. Throws if its end is wrong, or if
 * something wrong was told on the way.
 */
export async function run(schedule: Schedule, story: string[] = []): Promise<number> {
  return (await runTold(schedule, story)).points;
}

/** Likewise. Resolves also to the world at its end, and to all that was told. */
export async function runTold(schedule: Schedule, story: string[]): Promise<Ended> {
  return new Run(schedule, story).run();
}

class Run {
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #concluded: Concluded[] = [];
  /** What each client was told when it stopped waiting. */
  readonly #cancelled = new Map<number, string>();
  readonly #lives: Lives;

  constructor(schedule: Schedule, story: string[]) {
    this.#schedule = schedule;
    this.#world = new World(schedule, story);
    this.#lives = new Lives(this.#world, {
      onConnect: (life) => this.#watch(life),
      act: (kind, life) => this.#act(kind, life),
    });
  }

  async run(): Promise<Ended> {
    const world = this.#world;
    this.#lives.begin();
    let points = 0;
    let restingSinceMs: number | undefined;
    await this.#lives.pump(() => {
      const isResting = this.#isResting();
      points ||= isResting ? world.points : 0;
      restingSinceMs = isResting ? (restingSinceMs ?? world.clock.nowMs) : undefined;
      return restingSinceMs !== undefined && world.clock.nowMs - restingSinceMs >= restMs;
    });
    world.isCalm = true;
    const slot = this.#lives.current?.slot;
    let isStopped = false;
    void slot?.stop().then(() => {
      isStopped = true;
    });
    await this.#lives.pump(() => isStopped);
    const checkpoint = slot?.processor?.context.checkpoint.current;
    assert.ok(checkpoint);
    world.settle();
    this.#check(checkpoint);
    return { points, world, told: () => JSON.stringify([this.#concluded, world.replies]) };
  }

  #isResting(): boolean {
    const life = this.#lives.current;
    const slot = life?.slot;
    const processor = slot?.processor;
    if (!life?.lease.held || !processor || this.#lives.isPaused || this.#world.frozen > 0) return false;
    const { checkpoint, instance, memory } = processor.context;
    const { applied, replaying, held } = checkpoint.current;
    // What a worker that woke up late has done, and died without telling, is found when its time is over.
    if (this.#world.isTraceLost && memory.suspect) return false;
    if (held) this.#world.problems.push(`it is held: ${held.reason}`);
    const isApplied = applied >= (this.#world.log.at(-1)?.sequence ?? 0) && replaying === null;
    return isApplied && instance.reconciled && checkpoint.persisted === checkpoint.current;
  }

  /** Notes every step that this life concludes. */
  #watch(life: Life): void {
    const context = life.slot?.processor?.context;
    assert.ok(context, "an instance is connected to once the checkpoint is loaded");
    const { outcomes, checkpoint } = context;
    context.outcomes = {
      concludeStep: (step, outcome) => {
        const { interval, offset } = checkpoint.current;
        const replayed = isReplayed(checkpoint.current, step.at.sequence);
        const told = {
          life: life.number,
          step,
          outcome,
          interval: interval + offset,
          isReplayed: replayed,
          isStale: life.hasSlept,
        };
        this.#concluded.push(told);
        outcomes.concludeStep(step, outcome);
      },
    };
  }

  #act(kind: FaultKind, life: Life): void {
    const { slot } = life;
    if (!slot || life !== this.#lives.current) return;
    const { clock, random } = this.#world;
    const forAll = { isDead: false };
    if (kind === "cancel") this.#cancel(slot);
    if (kind === "rebuild") void slot.rebuild({ dryRun: false });
    if (kind === "replay") void slot.rebuild({ from: 1, dryRun: false });
    if (kind === "trim") slot.trim({ commands: random.integer(4), ageMs: 0 }).catch(() => {});
    if (kind === "pause") {
      this.#lives.isPaused = true;
      slot.setPaused(true);
      clock.after(forAll, random.integer(3_000), () => {
        this.#lives.isPaused = false;
        this.#lives.current?.slot?.setPaused(false);
      });
    }
    if (kind === "stop") this.#lives.restart(life);
  }

  /** Cancels a command whose deadline has passed, as its client stops waiting. */
  #cancel(slot: ProcessorSlot): void {
    const { clock, random, log } = this.#world;
    const waitedFor = log.filter(({ deadlineMs }) => deadlineMs !== undefined);
    const command = waitedFor[random.integer(waitedFor.length)];
    if (command?.deadlineMs === undefined) return;
    clock.nowMs = Math.max(clock.nowMs, command.deadlineMs + 1);
    void slot.cancel(command.sequence).then(({ outcome }) => {
      this.#world.story.push(`${command.sequence} is cancelled: ${outcome}`);
      this.#cancelled.set(command.sequence, outcome);
    });
  }

  #check(checkpoint: Checkpoint): void {
    const { history, faults, isExact = false } = this.#schedule;
    const { instance, counts } = this.#world;
    const { interval, offset, degradations } = checkpoint;
    const concluded = withoutStale(this.#concluded);
    checkTold(concluded, this.#world, this.#cancelled);
    assert.deepEqual(instance.torn, [], "no model is torn");
    const wasMongoAway = faults.some(({ kind }) => kind === "mongo");
    const { instance: undisturbed, ticks } = reference(concluded, wasMongoAway);
    assert.equal(interval, instance.interval, "the checkpoint's interval is the instance's");
    assert.equal(interval + offset, ticks, "clients' interval counts their Observes");
    const mayHaveSlept = faults.some(({ kind }) => kind === "sleep");
    const isInexact = !isExact && degradations.some(({ code }) => inexact.includes(code));
    const { isTraceLost } = this.#world;
    const isMended = isTraceLost || degradations.some(({ code }) => ofSleepers.includes(code));
    const hasStatistics = !degradations.some(({ code }) => ofStatistics.includes(code));
    if (!isInexact && !isMended) {
      assert.equal(snapshot(instance, hasStatistics), snapshot(undisturbed, hasStatistics));
    }
    if (isMended && !isInexact) {
      // Vectors that KATO has stored too early change which symbols stand for later ones.
      const hasEarlyVectors = isTraceLost || degradations.some(({ code }) => code === "foreign-vectors");
      const comparable = hasEarlyVectors ? withoutVectors : same;
      const events = comparable(instance.events);
      assert.deepEqual(events, comparable(undisturbed.events), "working memory is right in any case");
    }
    // A late Observe of an earlier worker, beside one that is not persisted, looks like two that the log lacks. So
    // does a late clear beside two that are not persisted.
    const always: DegradationCode[] = [...excused, "ahead-of-log"];
    const allowed = mayHaveSlept ? [...always, ...ofSleepers] : always;
    const others = degradations.filter(({ code }) => !allowed.includes(code));
    assert.deepEqual(others, [], "degraded without a reason");
    for (const ingestion of new Set(history.flatMap((command) => command.ingestion ?? []))) {
      const archived = JSON.parse(counts.get(ingestion) ?? "null") ?? undefined;
      const counted = checkpoint.ingestions[ingestion] ?? archived;
      checkCounts(concluded, ingestion, counted);
    }
  }
}

const same = (events: string[][]) => events;

function withoutVectors(events: string[][]): string[][] {
  return events.map((symbols) => symbols.filter((symbol) => !symbol.startsWith("VECTOR|")));
}

/**
 * The steps that count. A step that a frozen life has concluded counts only if no other life has concluded
 * it.
 */
function withoutStale(concluded: readonly Concluded[]): Concluded[] {
  const placeOf = ({ step }: Concluded) => `${step.at.sequence}.${step.at.step}`;
  const fresh = new Set(concluded.filter(({ isStale }) => !isStale).map(placeOf));
  return concluded.filter((one) => !one.isStale || !fresh.has(placeOf(one)));
}
