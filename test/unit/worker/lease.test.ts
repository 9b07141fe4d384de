import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import { Lease } from "../../../services/worker/assignment/lease.ts";
import { RenewalMoments } from "../../../services/worker/assignment/renewal-moments.ts";

const leaseMs = 1_000;
const wrongRevision = () =>
  new JetStreamApiError({ code: 400, err_code: 10071, description: "wrong last sequence" });

/** The leases' bucket in memory, and a clock that stands still. */
class World {
  nowMs = 5_000;
  /** Whether NATS answers, and after which time. */
  isAway = false;
  answerMs = 0;
  lost: string[] = [];
  readonly #moments = new RenewalMoments(leaseMs);
  /** How many requests there were. */
  requests = 0;
  /** Without a worker it is one that was removed. */
  #entry: { worker: string | undefined; revision: number } | undefined;
  readonly #t: TestContext;
  #revision = 0;

  constructor(t: TestContext) {
    this.#t = t;
    t.mock.timers.enable({ apis: ["setTimeout"] });
    t.mock.method(performance, "now", () => this.nowMs);
  }

  /** Time passes, a little at a time, and everything that is due happens. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) {
      this.nowMs += 10;
      this.#t.mock.timers.tick(10);
      await turn();
    }
  }

  /** The process sleeps: time passes, and nothing happens meanwhile. */
  sleep(ms: number): void {
    this.nowMs += ms;
  }

  /** The worker whose entry stands in the bucket. */
  get holder(): string | undefined {
    return this.#entry?.worker;
  }

  /** The entry's life is over. */
  expire(): void {
    this.#entry = undefined;
  }

  /** The revision of what was written last. */
  get revision(): number {
    return this.#revision;
  }

  async take(worker: string, givenBackAt?: number): Promise<Lease | undefined> {
    const onLost = () => this.lost.push(worker);
    const of = { bucket: this.bucket, processor: "p1", worker, leaseMs, moments: this.#moments };
    const taking = Lease.take({ ...of, onLost, log: { warn: () => {} } }, givenBackAt);
    await this.pass(this.answerMs);
    return taking;
  }

  readonly bucket = {
    create: (_key: string, worker: string) => {
      if (this.#entry?.worker === undefined) return this.#write(worker, this.#entry?.revision ?? 0);
      this.requests++;
      return Promise.reject(wrongRevision());
    },
    update: (_key: string, worker: string, revision: number) => this.#write(worker, revision),
    put: (_key: string, worker: string) => this.#write(worker, this.#entry?.revision ?? 0),
    delete: async (_key: string, options?: { previousSeq: number }) => {
      await this.#write(undefined, options?.previousSeq ?? this.#entry?.revision ?? 0);
    },
  };

  async #write(worker: string | undefined, revision: number): Promise<number> {
    this.requests++;
    if (this.isAway) throw new Error("no answer");
    if ((this.#entry?.revision ?? 0) !== revision) throw wrongRevision();
    this.#entry = { worker, revision: ++this.#revision };
    const written = this.#entry.revision;
    if (worker && this.answerMs > 0) await new Promise((resolve) => setTimeout(resolve, this.answerMs));
    return written;
  }
}

test("a lease is held for less than its entry lives, counted from when it was asked for (A4)", async (t) => {
  const world = new World(t);
  world.answerMs = 300;
  const lease = await world.take("w1");
  world.isAway = true;
  await world.pass(590);
  assert.equal(lease?.held, true);
  await world.pass(20);
  assert.equal(lease?.held, false);
});

test("a renewed life counts from when the renewal was asked for (A4)", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  world.answerMs = 300;
  // It is asked for after a third of the life, and answered here.
  await world.pass(640);
  world.isAway = true;
  await world.pass(590);
  assert.equal(lease?.held, true);
  await world.pass(20);
  assert.equal(lease?.held, false);
});

test("a lease is renewed for as long as NATS answers", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  await world.pass(10 * leaseMs);
  assert.equal(lease?.held, true);
  assert.deepEqual(world.lost, []);
  assert.equal(world.holder, "w1");
});

test("a lease is given back also while a renewal of it is under way", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  world.answerMs = 300;
  // It is asked for after a third of the life.
  await world.pass(400);
  const released = lease?.release();
  await world.pass(300);
  await released;
  assert.equal(world.holder, undefined);
});

test("a lease outlives a renewal that is not answered", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  const { update } = world.bucket;
  let asked = 0;
  t.mock.method(
    world.bucket,
    "update",
    async (key: string, worker: string, revision: number, timeoutMs: number) => {
      if (++asked > 1) return update(key, worker, revision);
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      throw new Error("no answer");
    },
  );
  await world.pass(3 * leaseMs);
  assert.equal(lease?.held, true);
  assert.deepEqual(world.lost, []);
});

test("leases that were taken at different moments are renewed at the same ones", async (t) => {
  const world = new World(t);
  await world.pass(10);
  await world.take("w1");
  await world.pass(10);
  world.expire();
  await world.take("w2");
  const renewed: number[] = [];
  t.mock.method(world.bucket, "update", async () => renewed.push(world.nowMs));
  await world.pass(leaseMs / 3);
  assert.deepEqual(renewed, [5_340, 5_340]);
});

test("after a stall leases are renewed at the moments of before, and not all at one", async (t) => {
  const world = new World(t);
  await world.take("w1");
  await world.pass(100);
  world.expire();
  await world.take("w2");
  const renewed: string[] = [];
  let answerMs = 400;
  t.mock.method(world.bucket, "update", async (_key: string, worker: string) => {
    renewed.push(`${worker} ${world.nowMs}`);
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    return renewed.length;
  });
  await world.pass(330);
  answerMs = 10;
  await world.pass(700);
  const moments = { w1: ["w1 5340", "w1 6000"], w2: ["w2 5420", "w2 6090"] };
  for (const worker of ["w1", "w2"] as const)
    assert.deepEqual(
      renewed.filter((each) => each.startsWith(worker)),
      moments[worker],
    );
});

test("a lease whose moment was in a stall is renewed right after it", async (t) => {
  const world = new World(t);
  await world.take("w1");
  const renewed: number[] = [];
  t.mock.method(world.bucket, "update", async () => renewed.push(world.nowMs));
  await world.pass(300);
  world.sleep(200);
  await world.pass(90);
  assert.equal(renewed.length, 1);
});

test("a lease that cannot be renewed is lost, which is told once, and stays lost (A4)", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  world.isAway = true;
  await world.pass(890);
  assert.equal(lease?.held, true);
  await world.pass(500);
  assert.deepEqual(world.lost, ["w1"]);
  world.isAway = false;
  await world.pass(3 * leaseMs);
  assert.equal(lease?.held, false);
  assert.deepEqual(world.lost, ["w1"]);
});

test("whoever has slept for longer than its lease does not hold it when it wakes up (A4)", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  world.sleep(leaseMs);
  assert.equal(lease?.held, false);
  await world.pass(10);
  assert.deepEqual(world.lost, ["w1"]);
});

test("a lease that another worker has taken is not taken back (A4)", async (t) => {
  const world = new World(t);
  const slept = await world.take("w1");
  world.expire();
  assert.ok(await world.take("w2"));
  await world.pass(2 * leaseMs);
  assert.equal(slept?.held, false);
  assert.equal(world.holder, "w2");
});

test("a lease that another worker has taken is not removed by the one before (A4)", async (t) => {
  const world = new World(t);
  const slept = await world.take("w1");
  world.expire();
  assert.ok(await world.take("w2"));
  await slept?.release();
  assert.equal(world.holder, "w2");
});

test("only one worker can take a lease, and once it is released another one can", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  assert.equal(await world.take("w2"), undefined);
  await lease?.release();
  assert.equal(lease?.held, false);
  assert.ok(await world.take("w2"));
  await world.pass(2 * leaseMs);
  assert.equal(world.holder, "w2");
  assert.deepEqual(world.lost, []);
});

test("a lease that is known to have been given back is taken by one request, as is one that nobody had", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  assert.equal(world.requests, 1);
  await lease?.release();
  world.requests = 0;
  assert.ok(await world.take("w2", world.revision));
  assert.equal(world.requests, 1);
  assert.equal(world.holder, "w2");
});

test("a lease is taken also if what is known of it is not so any more, and never from another worker (A4)", async (t) => {
  const world = new World(t);
  const lease = await world.take("w1");
  await lease?.release();
  assert.ok(await world.take("w2", world.revision - 1), "it was given back later than is known");
  world.expire();
  assert.ok(await world.take("w3", 2), "that it was given back is forgotten");
  assert.equal(await world.take("w4", 2), undefined);
  assert.equal(world.holder, "w3");
});
