import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointBook, firstCheckpoint } from "../../services/worker/checkpoint/checkpoint.ts";
import { Interrupted, LeaseLost, NatsAway } from "../../services/worker/model/interruptions.ts";

/** A book, what it has saved, what it has told of, and what it does in a while. */
function bookOf(save: () => Promise<void> = async () => {}) {
  const saved: number[] = [];
  const told: unknown[] = [];
  let due: (() => void)[] = [];
  const book = new CheckpointBook({
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
  return { book, saved, told, pass };
}

test("where an outcome cannot be kept, nothing says that its command is applied, and nothing is blamed on the next (A2)", async () => {
  const { book, saved, pass } = bookOf();
  book.hold(Promise.reject(new Error("NATS is away")));
  book.note({ applied: 1 });
  await assert.rejects(book.ahead({ applied: 1 }), Interrupted);
  await pass();
  await assert.rejects(book.flush(), NatsAway);
  assert.deepEqual(saved, []);
});

test("an outcome that is kept late is waited for", async () => {
  const { book, saved } = bookOf();
  const kept = Promise.withResolvers<void>();
  book.hold(kept.promise);
  const ahead = book.ahead({ applied: 1 });
  await new Promise(setImmediate);
  assert.deepEqual(saved, []);
  kept.resolve();
  await ahead;
  assert.deepEqual(saved, [1]);
});

test("a book that is closed takes nothing back that another one has written since (A5)", async () => {
  let isAway = true;
  const { book, saved, pass } = bookOf(async () => {
    if (isAway) throw new NatsAway("not answered");
  });
  await assert.rejects(book.ahead({ applied: 1 }), NatsAway);
  book.close();
  isAway = false;
  await pass();
  book.note({ applied: 2 });
  await pass();
  assert.deepEqual(saved, []);
});

test("a failure is told once while it lasts, a lost lease in any case", async () => {
  let error: Error = new NatsAway("not answered");
  const { book, told, pass } = bookOf(async () => {
    throw error;
  });
  book.note({ applied: 1 });
  await pass();
  await pass();
  assert.deepEqual(told, [error]);
  const lost = new LeaseLost("p1");
  error = lost;
  await pass();
  assert.deepEqual(told.slice(1), [lost]);
});
