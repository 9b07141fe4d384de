import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./crash-schedules/random.ts";
import { FleetWorld, leaseMs } from "./leases-world.ts";

const processors = ["p1", "p2", "p3", "p4"];

test("while nothing happens a claim is renewed seldom, and each worker's session three times in LEASE_MS", async (t) => {
  const world = new FleetWorld(t, processors);
  await world.start("w1");
  await world.pass(30 * leaseMs);
  assert.equal(Object.keys(world.believers).length, processors.length);
  const before = world.bucket.writes;
  await world.pass(20 * leaseMs);
  // The session and the announcement, three times each, and a claim less than four times in 20 lives.
  const most = 20 * 3 * 2 + 4 * processors.length + 4;
  assert.ok(world.bucket.writes - before <= most, `${world.bucket.writes - before} writes`);
});

test("what a worker that was killed has claimed is taken over within LEASE_MS and a third (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  const [first] = [await world.start("w1"), await world.start("w2")];
  await world.pass(30 * leaseMs);
  first?.kill();
  await world.pass((leaseMs * 4) / 3);
  assert.deepEqual(new Set(Object.values(world.believers)), new Set(["w2"]));
  assert.equal(Object.keys(world.believers).length, processors.length);
});

test("a worker that slept past its session believes in nothing when it wakes up, and takes its share again (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  const [first] = [await world.start("w1"), await world.start("w2")];
  await world.pass(30 * leaseMs);
  first?.freeze(3 * leaseMs);
  await world.pass(2.5 * leaseMs);
  assert.deepEqual(new Set(Object.values(world.believers)), new Set(["w2"]));
  await world.pass(2 * leaseMs);
  assert.deepEqual(new Set(Object.values(world.believers)), new Set(["w1", "w2"]));
});

test("a worker that is not told of the renewals of another one does not end its session (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  const [first, second] = [await world.start("w1"), await world.start("w2")];
  await world.pass(15 * leaseMs);
  const before = first?.believes;
  second?.deafen(2 * leaseMs);
  await world.pass(4 * leaseMs);
  assert.deepEqual(first?.believes, before);
});

test("a lease that is lost while its session is held is taken again at once", async (t) => {
  const world = new FleetWorld(t, processors);
  await world.start("w1");
  await world.pass(leaseMs / 2);
  assert.equal(Object.keys(world.believers).length, processors.length);
  world.bucket.refused.add("p1");
  await world.pass(leaseMs * 1.2);
  assert.equal(world.believers.p1, undefined);
  world.bucket.refused.clear();
  await world.pass(leaseMs / 2);
  assert.equal(world.believers.p1, "w1");
});

test("a worker alone goes on at once after NATS was away for longer than its session", async (t) => {
  const world = new FleetWorld(t, processors);
  await world.start("w1");
  await world.pass(30 * leaseMs);
  world.awayUntilMs = world.nowMs + 2 * leaseMs;
  await world.pass(1.5 * leaseMs);
  assert.deepEqual(world.believers, {});
  await world.pass(leaseMs);
  assert.equal(Object.keys(world.believers).length, processors.length);
});

test("where the bucket was made anew the leases are lost and taken again, and live no longer than it says (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  await world.start("w1");
  await world.pass(30 * leaseMs);
  world.bucket.makeAnew(leaseMs);
  await world.pass(3 * leaseMs);
  assert.equal(Object.keys(world.believers).length, processors.length);
  assert.ok(processors.every((id) => world.bucket.read(id)?.startsWith("w1/")));
});

test("a worker that stops gives everything back at once, and leaves no session", async (t) => {
  const world = new FleetWorld(t, processors);
  const first = await world.start("w1");
  await world.pass(3 * leaseMs);
  const stopping = first.stop();
  await world.start("w2");
  await world.pass(leaseMs / 2);
  await stopping;
  assert.deepEqual(new Set(Object.values(world.believers)), new Set(["w2"]));
  assert.equal(world.bucket.read("session.w1"), undefined);
});

test("another process of the same name waits for the session of the one before to end (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  const first = await world.start("w1");
  await world.pass(20 * leaseMs);
  first.kill();
  const second = await world.start("w1");
  await world.pass(leaseMs / 2);
  assert.deepEqual(second.believes, []);
  await world.pass(leaseMs * 1.5);
  assert.deepEqual(second.believes.toSorted(), processors);
});

test("beside an older worker claims are renewed as often as it expects, and each honours the other's (A4)", async (t) => {
  const world = new FleetWorld(t, processors);
  const old = await world.start("old", "old");
  await world.pass(leaseMs);
  assert.equal(old.believes.length, processors.length);
  const young = await world.start("young");
  await world.pass(5 * leaseMs);
  assert.equal(old.believes.length, processors.length);
  assert.equal(world.bucket.lifeMs, leaseMs, "the older one counts on entries that live for LEASE_MS");
  old.kill();
  await world.pass(2 * leaseMs);
  assert.equal(young.believes.length, processors.length);
  // Once there were none but workers with sessions, an older one waits for as long as entries live by then.
  const next = await world.start("old2", "old");
  await world.pass(30 * leaseMs);
  assert.equal(Object.keys(world.believers).length, processors.length);
  young.kill();
  await world.pass(world.bucket.lifeMs + leaseMs);
  assert.equal(next.believes.length, processors.length);
});

const firstSeed = process.env.LEASE_SCHEDULES ? Date.now() % 1_000_000_000 : 1;
const seed = Number(process.env.CHAOS_SEED ?? firstSeed);
const rounds = Number(process.env.LEASE_SCHEDULES ?? 2);

test("however workers are frozen and killed and NATS is away, no two believe in one lease, and in the end one does (A4)", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  const world = new FleetWorld(t, processors);
  for (let round = 0; round < rounds; round++) {
    for (const version of ["new", "new", "old"] as const) {
      if (random.chance(version === "old" ? 0.3 : 1))
        await world.start(`${version}${round}-${world.workers.length}`, version);
      await world.pass(random.integer(leaseMs));
    }
    for (let fault = 0; fault < 6; fault++) {
      const worker = world.workers[random.integer(world.workers.length)];
      const kind = random.integer(8);
      if (kind < 3) worker?.freeze(random.integer(3 * leaseMs));
      else if (kind === 6) worker?.slow(random.integer(5 * leaseMs));
      else if (kind === 7) worker?.deafen(random.integer(3 * leaseMs));
      else if (kind === 3) world.awayUntilMs = world.nowMs + random.integer(2 * leaseMs);
      else if (kind === 4 && world.workers.length > 1) worker?.kill();
      await world.pass(random.integer(4 * leaseMs));
    }
    await world.pass(3 * leaseMs);
    for (const worker of world.workers.splice(0, world.workers.length - 1)) worker.kill();
    await world.pass(3 * leaseMs + world.bucket.lifeMs);
  }
  await world.start("last");
  await world.pass(3 * leaseMs + world.bucket.lifeMs);
  assert.deepEqual(Object.keys(world.believers).toSorted(), processors);
});
