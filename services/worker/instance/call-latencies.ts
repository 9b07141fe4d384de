import type { CallLatency } from "../../../libs/commands/messages/processor-state.ts";
import type { Clock } from "../model/clock.ts";

/** The window is this many parts, of which the oldest is dropped at a time. */
const parts = 10;
const partMs = 30_000;
/** The bounds of the buckets grow by this factor, so a figure is at most 10 % off. */
const growth = 1.2;
/** The upper bound of the first bucket. */
const leastMs = 0.1;
/** From 0.1 ms to beyond five minutes. */
const buckets = 84;
const logOfGrowth = Math.log(growth);

/**
 * How long the calls of applied commands took in the last five minutes, as counts in buckets. It takes 4 KB once a
 * command was applied, however many there are.
 */
export class CallLatencies {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** The counts of each part, one part behind the other. Undefined until the first call. */
  #counts: Uint32Array | undefined;
  /** The sum of all parts. */
  readonly #totals = new Uint32Array(buckets);
  #count = 0;
  /** Which part is being counted. It is a number that only grows. */
  #part = 0;
  /** What the counts come to; undefined when they have changed since. */
  #figures: CallLatency | undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  note(ms: number): void {
    this.#counts ??= new Uint32Array(parts * buckets);
    this.#goOn(this.#counts);
    const bucket = bucketOf(ms);
    const index = (this.#part % parts) * buckets + bucket;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#totals[bucket] = (this.#totals[bucket] ?? 0) + 1;
    this.#count++;
    this.#figures = undefined;
  }

  /** What is told of them; undefined if there was none in that time. */
  get figures(): CallLatency | undefined {
    if (!this.#counts || this.#count === 0) return undefined;
    this.#goOn(this.#counts);
    if (this.#count === 0) return undefined;
    this.#figures ??= {
      p50Ms: this.#quantile(0.5),
      p95Ms: this.#quantile(0.95),
      p99Ms: this.#quantile(0.99),
      count: this.#count,
    };
    return this.#figures;
  }

  /** Drops the parts whose time is over. */
  #goOn(counts: Uint32Array): void {
    const now = Math.floor(this.#clock.monotonicMs() / partMs);
    if (now === this.#part) return;
    const first = Math.max(this.#part + 1, now - parts + 1);
    this.#part = now;
    for (let part = first; part <= now; part++) this.#drop(counts, part % parts);
    this.#figures = undefined;
  }

  #drop(counts: Uint32Array, part: number): void {
    for (let bucket = 0; bucket < buckets; bucket++) {
      const index = part * buckets + bucket;
      const count = counts[index] ?? 0;
      this.#totals[bucket] = (this.#totals[bucket] ?? 0) - count;
      this.#count -= count;
      counts[index] = 0;
    }
  }

  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#count);
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.#totals[bucket] ?? 0;
      if (seen >= rank) return middleOf(bucket);
    }
    return middleOf(buckets - 1);
  }
}

function bucketOf(ms: number): number {
  const bucket = Math.ceil(Math.log(ms / leastMs) / logOfGrowth);
  return Math.min(Math.max(bucket, 0), buckets - 1);
}

/** The middle of a bucket, to three digits. */
function middleOf(bucket: number): number {
  return Number((leastMs * growth ** (bucket - 0.5)).toPrecision(3));
}
