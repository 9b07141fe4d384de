import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueuedCommand } from "../../../libs/commands/log/publish-queue.ts";
import { PublishQueue } from "../../../libs/commands/log/publish-queue.ts";

const commandOf = (id: string) => ({ id, processor: "p1", method: "Observe", data: new Uint8Array(100) });

/** A queue of these commands, all of which were sent, and their entries. */
function sentQueue(...ids: string[]): { queue: PublishQueue; entries: QueuedCommand[] } {
  const queue = new PublishQueue();
  for (const id of ids) queue.add(commandOf(id));
  const entries = ids.flatMap(() => sendNext(queue) ?? []);
  return { queue, entries };
}

function sendNext(queue: PublishQueue): QueuedCommand | undefined {
  const next = queue.takeNext();
  if (next) next.entry.sentAt = 1;
  return next?.entry;
}

const refusal = { code: 10_070, description: "wrong last message id" };

test("commands are sent in order, each with the one before it unless that is stored", () => {
  const queue = new PublishQueue();
  for (const id of ["a", "b", "c"]) queue.add(commandOf(id));
  const [a, b] = [queue.takeNext(), queue.takeNext()];
  assert.deepEqual([a?.before, b?.before?.id], [undefined, "a"]);
  assert.ok(a && b);
  a.entry.sequence = 1;
  b.entry.sequence = 2;
  assert.deepEqual([queue.takeStored()?.sequence, queue.takeStored()?.sequence], [1, 2]);
  assert.equal(queue.takeNext()?.before, undefined);
});

test("a late acknowledgement after a rewind does not hold up what comes after it", () => {
  const { queue, entries } = sentQueue("a", "b", "c");
  queue.rewind();
  for (const entry of entries.slice(0, 2)) entry.sequence = 1;
  assert.ok(queue.takeStored() && queue.takeStored());
  assert.equal(queue.takeNext()?.entry.command.id, "c");
  assert.equal(queue.takeNext(), undefined);
});

test("a refusal of before a rewind does not count any more", () => {
  const { queue, entries } = sentQueue("a", "b");
  for (const entry of entries) entry.error = refusal;
  queue.rewind();
  assert.equal(queue.first?.error, undefined);
  assert.equal(queue.isUncertain, true, "it is sent again");
});

test("a command is uncertain from when it is sent until it is refused, and for good once an answer was missing (A7)", () => {
  const { queue, entries } = sentQueue("a");
  assert.equal(queue.isUncertain, true);
  const [entry] = entries;
  assert.ok(entry);
  entry.error = refusal;
  assert.equal(queue.isUncertain, false);
  queue.rewind();
  sendNext(queue);
  queue.markUnanswered();
  queue.rewind();
  sendNext(queue);
  entry.error = refusal;
  assert.equal(queue.isUncertain, true);
});

test("its length and its size are those of what is not known to be stored, and who waits for room is told", async () => {
  const { queue, entries } = sentQueue("a", "b", "c");
  assert.deepEqual([queue.length, queue.bytes, queue.sentCount], [3, 300, 3]);
  const room = queue.untilLength(2);
  const [entry] = entries;
  assert.ok(entry);
  entry.sequence = 1;
  queue.takeStored();
  await room;
  assert.deepEqual([queue.length, queue.bytes, queue.sentCount], [2, 200, 2]);
});
