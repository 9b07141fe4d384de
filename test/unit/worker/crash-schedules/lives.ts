import type { Remembered } from "../../../../services/worker/processor/processor-environment.ts";
import { ProcessorSlot } from "../../../../services/worker/processor/slot.ts";
import { environmentOf } from "./environment.ts";
import type { Driver, Life, World } from "./world.ts";

/** One life of the worker after another, in a world where each may end at any point. */
export class Lives {
  readonly #world: World;
  readonly #onConnect: (life: Life) => void;
  #current: Life | undefined;
  #count = 0;
  /** What the present process knows. Another process knows nothing. */
  #remembered: Remembered = {};
  /** Whether the processor is paused, now and for the next lives. */
  isPaused = false;

  /**
   * `onConnect` is called once in each life, before it first calls the instance. `act` does to the processor
   * what comes from outside.
   */
  constructor(world: World, { onConnect, act }: { onConnect: (life: Life) => void; act: Driver["act"] }) {
    this.#world = world;
    this.#onConnect = onConnect;
    world.driver = {
      died: (life) => this.replace(life),
      leaseLost: (life) => this.leaseLost(life),
      froze: (life) => this.replace(life),
      heard: (report) => this.#current?.slot?.heard(report),
      act,
    };
  }

  /** The life that holds the lease; undefined between two. */
  get current(): Life | undefined {
    return this.#current;
  }

  begin(): void {
    const number = ++this.#count;
    const life: Life = {
      number,
      isDead: false,
      isFrozen: false,
      hasSlept: false,
      thawed: Promise.resolve(),
      lease: { worker: `life ${number}`, held: true },
      remembered: this.#remembered,
    };
    this.#current = life;
    let isWatched = false;
    const slot = new ProcessorSlot(
      environmentOf(this.#world, life, () => {
        if (!isWatched) this.#onConnect(life);
        isWatched = true;
      }),
    );
    life.slot = slot;
    slot.setPaused(this.isPaused);
    void slot.start();
  }

  /** The life has died or is frozen, so another one takes its place. */
  replace(life: Life): void {
    this.#remembered = {};
    if (life === this.#current) this.#beginSoon();
  }

  /**
   * Begins another life. It is one of the same worker, once its slot has stopped, or one of another worker,
   * at once.
   */
  leaseLost(life: Life): void {
    if (life !== this.#current && !life.isDead) void life.slot?.stop();
    if (life !== this.#current || life.isDead) return;
    life.lease.held = false;
    this.#current = undefined;
    const stopped = life.slot?.stop();
    if (this.#world.random.chance(0.5)) this.#beginSoon();
    else void stopped?.then(() => this.#current ?? this.begin());
    // A life that hangs, or that dies meanwhile, must not leave the processor alone for ever.
    this.#world.clock.after({ isDead: false }, 4_000, () => this.#current ?? this.begin());
  }

  /** The worker is stopped cleanly and starts again. */
  restart(life: Life): void {
    this.#current = undefined;
    void life.slot?.stop().then(() => this.#current ?? this.begin());
    this.#world.clock.after({ isDead: false }, 20_000, () => this.#current ?? this.begin());
  }

  /** Lets everything go on until `isOver`. The clock moves on only when there is nothing else to do. */
  async pump(isOver: () => boolean): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      if (this.#world.problems.length > 0) throw new Error(this.#world.problems[0]);
      if (isOver()) return;
      if (!this.#world.clock.fireNext()) throw new Error("nothing goes on any more");
    }
  }

  #beginSoon(): void {
    this.#current = undefined;
    queueMicrotask(() => {
      if (!this.#current) this.begin();
    });
  }
}
