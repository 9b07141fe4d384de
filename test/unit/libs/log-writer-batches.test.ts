import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { Random } from "../worker/crash-schedules/random.ts";
import { Schedule } from "./log-writer/schedule.ts";
import { World } from "./log-writer/world.ts";

const log = { isReplicated: true, takesBatches: true };
const incomplete = { error: { err_code: 10_176, description: "atomic publish batch is incomplete" } };
const duplicate = { error: { err_code: 10_201, description: "batch contains duplicate message id" } };
const full = { error: { err_code: 10_077, description: "maximum bytes exceeded" } };
const storeFull = { error: { err_code: 10_023, description: "insufficient resources" } };

const isError = (code: string) => (error: unknown) => error instanceof GatewayError && error.code === code;

/** Which batch each message is of, by the place of the batch's first, and how it is asked for. */
const shape = ({ published }: World) =>
  published.map(({ id, reply, headers }) => {
    const place = headers.get("Nats-Batch-Sequence");
    return `${id}${place && `:${place}`}${headers.get("Nats-Batch-Commit") && "!"}${reply && "?"}`;
  });

test("a command that is alone is sent by itself, and those behind it as a batch, whose last waits for it (A2)", (t) => {
  const world = new World(t, { log });
  world.add("a", "b", "c", "d");
  assert.deepEqual(shape(world), ["a?", "b:1", "c:2"]);
  world.answer(0, { seq: 5 });
  assert.deepEqual(shape(world).slice(3), ["d:3!?"]);
  world.add("e", "f");
  assert.deepEqual(shape(world).slice(4), ["e:1"]);
  assert.deepEqual(world.stored, [["a", 5]]);
  world.answer(3, { seq: 9, batch: "x", count: 3 });
  assert.deepEqual(world.stored.slice(1), [
    ["b", 7],
    ["c", 8],
    ["d", 9],
  ]);
  assert.deepEqual(shape(world).slice(5), ["f:2!?"]);
  const ids = world.published.map(({ headers }) => headers.get("Nats-Batch-Id"));
  assert.equal(new Set(ids).size, 3);
  assert.ok(world.published.every(({ after }) => after === ""));
});

test("a batch has no more than JetStream takes, and the writer is full with three", (t) => {
  const world = new World(t, { log });
  world.add("first");
  for (let number = 0; number < 2_998; number++) world.add(`n${number}`);
  assert.equal(world.writer.isFull, false);
  world.add("last");
  assert.equal(world.writer.isFull, true);
  assert.equal(world.published.length, 1_000);
  world.answer(0, { seq: 1 });
  assert.equal(shape(world)[1_000], "n999:1000!?");
  assert.equal(world.published.length, 2_000);
});

for (const refused of [duplicate, incomplete, full]) {
  test(`a batch that is refused (${refused.error.description}) is sent one by one, and batches go on behind it`, (t) => {
    const world = new World(t, { log });
    world.add("a", "b", "c");
    world.answer(0, { seq: 1 });
    world.add("d", "e");
    world.answer(2, refused);
    world.pass(100);
    const from = world.published.length;
    assert.equal(world.published.at(-1)?.id, "b");
    world.answer(from - 1, { seq: 2 });
    world.answer(from, { seq: 3 });
    assert.deepEqual(shape(world).slice(from), ["c?", "d:1", "e:2!?"]);
    world.answer(from + 2, { seq: 5, batch: "x", count: 2 });
    assert.deepEqual(
      world.stored.map(([id]) => id),
      ["a", "b", "c", "d", "e"],
    );
    assert.equal(world.writer.underWay, 0);
  });
}

test("no batch is begun while commands are under way that others may break into", (t) => {
  const world = new World(t, { log: { isReplicated: false, takesBatches: true } });
  world.add("a", "b", "c", "d");
  world.answer(0, { seq: 1 });
  world.answer(3, incomplete);
  world.pass(50);
  assert.deepEqual(shape(world).slice(4), ["b?", "c?", "d?"]);
  world.add("e", "f");
  world.answer(4, { seq: 2 });
  assert.equal(world.published.length, 7);
  world.answer(5, { seq: 3 });
  assert.deepEqual(shape(world).slice(7), ["e:1"]);
});

test("of a batch that was not answered each command is asked for by itself, and counts as stored once it is told (A6)", (t) => {
  const world = new World(t, { log });
  world.add("a", "b", "c");
  world.answer(0, { seq: 1 });
  world.pass(2_200);
  assert.deepEqual(shape(world).slice(3), ["b?"]);
  assert.equal(world.writer.isUncertain, true);
  world.answer(3, { seq: 2, duplicate: true });
  world.answer(4, { seq: 3, duplicate: true });
  assert.deepEqual(world.stored.slice(1), [
    ["b", 2],
    ["c", 3],
  ]);
});

test("a batch's acknowledgement counts however late it comes", (t) => {
  const world = new World(t, { log });
  world.add("a", "b", "c");
  world.answer(0, { seq: 1 });
  world.pass(2_200);
  world.answer(2, { seq: 3, batch: "x", count: 2 });
  assert.equal(world.stored.length, 3);
  world.add("d");
  world.answer(3, { seq: 2, duplicate: true });
  assert.deepEqual(shape(world).slice(4), ["d?"]);
});

test("an acknowledgement that is of no batch says nothing of the commands before it (A6)", (t) => {
  const world = new World(t, { log });
  world.add("a", "b", "c");
  world.answer(0, { seq: 1 });
  world.answer(2, { seq: 3 });
  assert.equal(world.stored.length, 1);
  world.pass(100);
  assert.equal(world.published.at(-1)?.id, "b");
  assert.equal(world.writer.isUncertain, true);
});

test("what a full log has no room for is certainly not stored; what a full store was given may be (A7)", async (t) => {
  for (const [refused, isUncertain] of [
    [full, false],
    [storeFull, true],
  ] as const) {
    await t.test(refused.error.description, async (t) => {
      const world = new World(t, { log });
      world.add("a", "b", "c", "d");
      world.answer(0, { seq: 1 });
      const failing = assert.rejects(world.writer.settle(), GatewayError);
      world.answer(3, refused);
      world.pass(50);
      world.answer(4, { seq: 2 });
      world.answer(5, refused);
      world.pass(50);
      await failing;
      assert.deepEqual([world.stored.length, world.writer.isUncertain], [2, isUncertain]);
    });
  }
});

test("a batch whose first sending is too long ago is not sent again", async (t) => {
  const world = new World(t, { log, patienceMs: 1_000_000 });
  world.add("a", "b", "c");
  world.answer(0, { seq: 1 });
  const failing = assert.rejects(world.writer.settle(), isError("NATS_UNAVAILABLE"));
  world.pass(70_000);
  await failing;
});

const schedules = Number(process.env.LOG_WRITER_SCHEDULES ?? 100);

for (const isReplicated of [false, true]) {
  test(`whatever is lost, late or refused, each command is stored once, in order, and told as it is (${isReplicated ? "three replicas" : "one replica"})`, (t) => {
    for (let seed = 1; seed <= schedules; seed++) run(t, seed, isReplicated);
  });
}

function run(t: TestContext, seed: number, isReplicated: boolean): void {
  const random = new Random(seed);
  const world = new World(t, { log: { isReplicated, takesBatches: true }, patienceMs: 1_000_000 });
  const isLarge = seed % 10 === 0;
  const schedule = new Schedule(world, random, isLarge);
  if (seed % 5 === 0) schedule.log.limit = 40 + random.integer(isLarge ? 6_000 : 60);
  for (let step = 0; step < 150; step++) schedule.step();
  schedule.finish();
  const own = schedule.log.ids.filter((id) => id.startsWith("n"));
  const about = `seed ${seed}`;
  assert.deepEqual(own, schedule.added.slice(0, own.length), about);
  for (const [id, sequence] of world.stored) assert.equal(schedule.log.ids[sequence - 1], id, about);
  assert.deepEqual(
    world.stored.map(([id]) => id),
    schedule.added.slice(0, world.stored.length),
    about,
  );
  if (!world.writer.isUncertain) assert.equal(world.stored.length, own.length, about);
  if (!schedule.hasFailed) {
    assert.equal(own.length, schedule.added.length, about);
    assert.equal(world.stored.length, own.length, about);
  }
  world.forget();
  t.mock.timers.reset();
  t.mock.reset();
}
