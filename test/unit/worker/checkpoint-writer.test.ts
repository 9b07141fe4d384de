import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../../../services/worker/checkpoint/checkpoint-writer.ts";
import { Interrupted, LeaseLost, NatsAway } from "../../../services/worker/model/interruptions.ts";

/**
 * A writer, with the checkpoints that it has saved, the errors that it has reported, and the tasks that it
 * will do later.
 */
function writerOf(save: () => Promise<void> = async () => {}) {
  const saved: number[] = [];
  const told: unknown[] = [];
  let due: (() => void)[] = [];
  const writer = new CheckpointWriter({
    loaded: firstCheckpoint,
    save: async ({ applied }: Checkpoint) => {
      await save();
      saved.push(applied);
    },
    onError: (error) => told.push(error),
    later: (task) => {
      due.push(task);
      return () => {
        due = due.filter((other) => other !== task);
      };
    },
  });
  const pass = async () => {
    for (const task of due.splice(0)) task();
    await new Promise(setImmediate);
  };
  return { writer, saved, told, pass };
}

test("where an outcome cannot be kept, nothing says that its command is applied, and nothing is blamed on the next (A2)", async () => {
  const { writer, saved, pass } = writerOf();
  writer.waitFor(Promise.reject(new Error("NATS is away")));
  writer.update({ applied: 1 });
  await assert.rejects(writer.persist({ applied: 1 }), Interrupted);
  await pass();
  await assert.rejects(writer.flush(), NatsAway);
  assert.deepEqual(saved, []);
});

test("an outcome that is kept late is waited for", async () => {
  const { writer, saved } = writerOf();
  const kept = Promise.withResolvers<void>();
  writer.waitFor(kept.promise);
  const persisted = writer.persist({ applied: 1 });
  await new Promise(setImmediate);
  assert.deepEqual(saved, []);
  kept.resolve();
  await persisted;
  assert.deepEqual(saved, [1]);
});

test("a writer that is closed takes nothing back that another one has written since (A5)", async () => {
  let isAway = true;
  const { writer, saved, pass } = writerOf(async () => {
    if (isAway) throw new NatsAway("not answered");
  });
  await assert.rejects(writer.persist({ applied: 1 }), NatsAway);
  writer.close();
  isAway = false;
  await pass();
  writer.update({ applied: 2 });
  await pass();
  assert.deepEqual(saved, []);
});

test("a failure is told once while it lasts, a lost lease in any case", async () => {
  let error: Error = new NatsAway("not answered");
  const { writer, told, pass } = writerOf(async () => {
    throw error;
  });
  writer.update({ applied: 1 });
  await pass();
  await pass();
  assert.deepEqual(told, [error]);
  const lost = new LeaseLost("p1");
  error = lost;
  await pass();
  assert.deepEqual(told.slice(1), [lost]);
});

test("a writer that is closed writes nothing, not even what waits for the write under way (A5)", async () => {
  const answered = Promise.withResolvers<void>();
  const { writer, saved } = writerOf(() => answered.promise);
  const underWay = writer.persist({ applied: 1 });
  await new Promise(setImmediate);
  const waiting = assert.rejects(writer.persist({ applied: 2 }));
  writer.close();
  answered.resolve();
  await underWay;
  await waiting;
  await assert.rejects(writer.persist({ applied: 3 }));
  assert.deepEqual(saved, [1]);
});

test("a write begins once the one before has ended, so that no worker is outrun by itself", async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answers = [first, second];
  let begun = 0;
  const { writer, saved } = writerOf(() => answers[begun++]?.promise ?? Promise.resolve());
  const persisted = [writer.persist({ applied: 1 })];
  await new Promise(setImmediate);
  persisted.push(writer.persist({ applied: 2 }));
  await new Promise(setImmediate);
  assert.equal(begun, 1);
  first.resolve();
  second.resolve();
  await Promise.all(persisted);
  assert.deepEqual(saved, [1, 2]);
});

test("what changes while a checkpoint is written is not persisted by that, and is written next (A5)", async () => {
  const answered = Promise.withResolvers<void>();
  const { writer, saved, pass } = writerOf(() => answered.promise);
  const persisted = writer.persist({ applied: 1 });
  await new Promise(setImmediate);
  writer.update({ applied: 2 });
  answered.resolve();
  await persisted;
  assert.equal(writer.persisted.applied, 1);
  await pass();
  assert.deepEqual(saved, [1, 2]);
});

test("what may be told once a checkpoint is persisted is told then, also where the first write fails (A7)", async () => {
  let isAway = true;
  const { writer, pass } = writerOf(async () => {
    if (isAway) throw new NatsAway("not answered");
  });
  const told: string[] = [];
  writer.update({ applied: 1 });
  writer.whenPersisted(() => told.push("failed"));
  assert.deepEqual(told, []);
  await pass();
  assert.deepEqual(told, []);
  isAway = false;
  await pass();
  assert.deepEqual(told, ["failed"]);
});
