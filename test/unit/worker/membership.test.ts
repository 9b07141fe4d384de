import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Membership } from "../../../services/worker/assignment/membership.ts";

const leaseMs = 1_000;

/** A bucket that tells its watchers what is written, and a clock that stands still. */
class World {
  nowMs = 5_000;
  changes = 0;
  watches = 0;
  /** The watches have died: they tell nothing, and do not say so. */
  isSilent = false;
  revision = 0;
  readonly #watchers = new Set<(key: string, value: string) => void>();

  constructor(t: TestContext) {
    t.mock.method(performance, "now", () => this.nowMs);
  }

  open(me: string): Promise<Membership> {
    return Membership.open(this.#bucket, me, leaseMs, () => this.changes++);
  }

  /** Something is written, and told to whoever watches; a removal has no value. */
  async write(key: string, value: string): Promise<void> {
    this.revision++;
    if (!this.isSilent) for (const tell of this.#watchers) tell(key, value);
    await turn();
  }

  readonly #bucket = {
    put: async (key: string, value: string) => {
      await this.write(key, value);
      return 1;
    },
    get: async () => null,
    delete: (key: string) => this.write(key, ""),
    watch: async () => {
      this.watches++;
      this.isSilent = false;
      return this.#watch();
    },
  };

  #watch() {
    const told: { key: string; revision: number; string: () => string }[] = [];
    let wake = () => {};
    let isStopped = false;
    const tell = (key: string, value: string) => {
      told.push({ key, revision: this.revision, string: () => value });
      wake();
    };
    this.#watchers.add(tell);
    return {
      stop: () => {
        this.#watchers.delete(tell);
        isStopped = true;
        wake();
      },
      async *[Symbol.asyncIterator]() {
        while (!isStopped) {
          yield* told.splice(0);
          if (!isStopped && told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  }
}

test("a worker and a lease that are not written again are gone after a life, and not before", async (t) => {
  const world = new World(t);
  const membership = await world.open("me");
  await world.write("worker.other", JSON.stringify(["p1"]));
  await world.write("p1", "other");
  world.nowMs += leaseMs;
  assert.deepEqual([...membership.workers], [["other", ["p1"]]]);
  assert.deepEqual([...membership.holders], [["p1", "other"]]);
  world.nowMs += 0.2 * leaseMs;
  assert.deepEqual([...membership.workers, ...membership.holders], []);
});

test("a lease that is released and a worker that retires are gone at once, and that is told", async (t) => {
  const world = new World(t);
  const [membership, other] = [await world.open("me"), await world.open("other")];
  await other.announce("*");
  await world.write("p1", "other");
  assert.deepEqual([...membership.workers.keys()], ["other"]);
  const before = world.changes;
  await world.write("p1", "");
  await other.retire();
  assert.deepEqual([...membership.workers, ...membership.holders], []);
  assert.ok(world.changes >= before + 2);
});

test("what this worker renews itself is no change", async (t) => {
  const world = new World(t);
  await world.open("me");
  await world.write("p1", "me");
  await world.write("p2", "other");
  await world.write("p2", "other");
  assert.equal(world.changes, 1);
});

test("a watch that for a life tells nothing of what is written is replaced", async (t) => {
  const world = new World(t);
  const membership = await world.open("me");
  for (let times = 0; times < 6; times++) {
    world.nowMs += leaseMs / 3;
    await membership.announce("*");
  }
  assert.equal(world.watches, 1);
  world.isSilent = true;
  for (let times = 0; times < 4; times++) {
    world.nowMs += leaseMs / 3;
    await membership.announce("*");
  }
  assert.equal(world.watches, 2);
  await world.write("p1", "other");
  assert.deepEqual([...membership.holders], [["p1", "other"]]);
});

test("when a lease was given back is known for a life, and not once another worker has it (A4)", async (t) => {
  const world = new World(t);
  const membership = await world.open("me");
  assert.equal(membership.givenBackAt("p1"), 0);
  await world.write("p1", "other");
  assert.equal(membership.givenBackAt("p1"), 0);
  await world.write("p1", "");
  assert.equal(membership.givenBackAt("p1"), world.revision);
  await world.write("p2", "");
  world.nowMs += 1.2 * leaseMs;
  assert.equal(membership.givenBackAt("p1"), 0);
  await world.write("p2", "other");
  assert.equal(membership.givenBackAt("p2"), 0);
});
