/** How often something may be done: a bucket of tokens for each principal, with one second's worth in it. */
export class RequestRates {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes a token. Returns how many are left; -1 if there was none. */
  take(principal: string): number {
    const now = performance.now();
    const bucket = this.#buckets.get(principal) ?? { tokens: this.#perSecond, atMs: now };
    if (this.#buckets.size >= maxBuckets) this.#forgetFull(now);
    this.#buckets.set(principal, bucket);
    const refilled = bucket.tokens + ((now - bucket.atMs) / 1_000) * this.#perSecond;
    bucket.tokens = Math.min(this.#perSecond, refilled);
    bucket.atMs = now;
    if (bucket.tokens < 1) return -1;
    bucket.tokens--;
    return Math.floor(bucket.tokens);
  }

  /** A bucket that was not used for a second is full, as a new one is. */
  #forgetFull(now: number): void {
    for (const [principal, { atMs }] of this.#buckets) {
      if (now - atMs >= 1_000) this.#buckets.delete(principal);
    }
  }
}

const maxBuckets = 10_000;
