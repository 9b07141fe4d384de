import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { World } from "./log-writer/world.ts";

const replicated = { isReplicated: true, takesBatches: false };
const outOfOrder = { error: { err_code: 10_070, description: "wrong last message id" } };
const full = { error: { err_code: 10_077, description: "maximum bytes exceeded" } };

const isError = (code: string) => (error: unknown) => error instanceof GatewayError && error.code === code;

test("a command is sent before the one before it is stored only on the condition that it follows that one (A2)", (t) => {
  const world = new World(t);
  world.add("a", "b");
  assert.deepEqual(
    world.published.map(({ id, after }) => [id, after]),
    [
      ["a", ""],
      ["b", "a"],
    ],
  );
  world.answer(0, { seq: 1 });
  world.answer(1, { seq: 2 });
  world.add("c");
  assert.equal(world.published[2]?.after, "");
  assert.deepEqual(world.stored, [
    ["a", 1],
    ["b", 2],
  ]);
});

test("to a replicated log one command is sent at a time, without a condition", (t) => {
  const world = new World(t, { log: replicated });
  world.add("a", "b", "c");
  assert.deepEqual(world.ids, ["a"]);
  world.answer(0, { seq: 1 });
  world.answer(1, { seq: 2 });
  assert.deepEqual(
    world.published.map(({ id, after }) => [id, after]),
    [
      ["a", ""],
      ["b", ""],
      ["c", ""],
    ],
  );
});

test("what follows a refused command is sent again behind it (A2)", (t) => {
  const world = new World(t);
  world.add("a", "b", "c");
  world.answer(0, { seq: 1 });
  world.answer(1, outOfOrder);
  world.answer(2, outOfOrder);
  assert.deepEqual(world.ids, ["a", "b", "c", "b", "c"]);
  assert.deepEqual(world.published.slice(3)[0]?.after, "");
});

test("commands are sent again over another connection at once, and late answers to the first sending do no harm (A2)", (t) => {
  const world = new World(t);
  world.add("a", "b");
  world.session = 2;
  world.pass(100);
  assert.deepEqual(world.ids, ["a", "b", "a", "b"]);
  // Both were sent again since, and these say nothing of that.
  world.answer(0, outOfOrder);
  world.answer(1, outOfOrder);
  assert.deepEqual(world.ids, ["a", "b", "a", "b"]);
  world.answer(2, { seq: 1 });
  world.answer(3, { seq: 2 });
  assert.deepEqual(
    world.stored.map(([id]) => id),
    ["a", "b"],
  );
});

test("an acknowledgement counts however late it comes", (t) => {
  const world = new World(t);
  world.add("a");
  world.pass(3_000);
  assert.deepEqual(world.ids, ["a", "a"]);
  world.answer(0, { seq: 1 });
  assert.deepEqual(world.stored, [["a", 1]]);
});

test("a command is not sent again once JetStream may not know its id any more (A2)", async (t) => {
  const world = new World(t, { patienceMs: 1_000_000 });
  world.add("a");
  const failing = assert.rejects(world.writer.settle(), isError("NATS_UNAVAILABLE"));
  world.pass(70_000);
  await failing;
  const sent = world.published.length;
  world.pass(70_000);
  assert.equal(world.published.length, sent);
  assert.equal(world.writer.isUncertain, true);
});

test("a command that was not answered may be stored, also when it is refused afterwards (A7)", async (t) => {
  const world = new World(t);
  world.add("a");
  world.pass(2_200);
  const failing = assert.rejects(world.writer.settle(), isError("LOG_FULL"));
  world.answer(1, full);
  world.pass(100);
  await failing;
  assert.equal(world.writer.isUncertain, true);
});

test("a full log is told as full, and then it is certain what is stored", async (t) => {
  const world = new World(t);
  world.add("a", "b");
  const failing = assert.rejects(world.writer.settle(), isError("LOG_FULL"));
  world.answer(0, full);
  world.answer(1, outOfOrder);
  world.pass(100);
  await failing;
  assert.deepEqual([world.stored, world.writer.isUncertain], [[], false]);
});

test("a writer waits for as long as something is stored from time to time, and then for its patience", async (t) => {
  const world = new World(t, { patienceMs: 1_000, log: replicated });
  world.add("a", "b", "c", "d");
  for (let place = 0; place < 3; place++) {
    world.pass(800);
    world.answer(place, { seq: place + 1 });
  }
  assert.equal(world.stored.length, 3);
  const failing = assert.rejects(world.writer.settle(), isError("NATS_UNAVAILABLE"));
  world.pass(1_100);
  await failing;
});
