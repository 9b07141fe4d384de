import assert from "node:assert/strict";
import { test } from "node:test";
import { goOn, OneProcessor, observe, stored, unseen } from "./one-processor.ts";

/**
 * Behind one that fails the database is asked before the next command, which is when something can come
 * between.
 */
const failing = stored(1, "DeleteModel", { name: "MODEL|none" });

test("a command is not begun when its processor is paused while it waits for the instance", async () => {
  const processor = new OneProcessor([failing, observe(2, ["a"])]);
  processor.onCall = (method) => {
    if (method === "ShowStatus") processor.slot.setPaused(true);
    return undefined;
  };
  void processor.slot.start();
  await processor.pass(5_000);
  assert.equal(processor.slot.state.state, "paused");
  assert.equal(processor.checkpoint?.applied, 1);
  processor.onCall = () => undefined;
  processor.slot.setPaused(false);
  await processor.untilApplied(2);
  assert.deepEqual(processor.world.instance.events, [["a"]]);
});

test("a command that was begun is brought to its end although the processor is paused", async () => {
  const processor = new OneProcessor([
    stored(1, "StartSleeping", {}),
    stored(2, "StopSleeping", {}),
    observe(3, ["a"]),
  ]);
  processor.onCall = (method) => {
    if (method !== "StopSleeping" || processor.slot.state.state === "paused") return undefined;
    processor.slot.setPaused(true);
    return unseen;
  };
  void processor.slot.start();
  await processor.untilApplied(2);
  await processor.pass(5_000);
  assert.equal(processor.world.instance.sleeping, false);
  assert.equal(processor.checkpoint?.applied, 2, "the next one waits");
});

test("a command that is cancelled while it waits for the instance is not begun (A7)", async () => {
  const processor = new OneProcessor([failing, observe(2, ["a"]), observe(3, ["b"])]);
  let told: string | undefined;
  processor.onCall = async (method) => {
    if (method === "ShowStatus") told ??= (await processor.slot.cancel(2)).outcome;
    return undefined;
  };
  await processor.start();
  assert.equal(told, "expired");
  assert.deepEqual(processor.world.instance.events, [["b"]]);
});

test("that a late command must not be begun is persisted before it leaves the log (A2)", async () => {
  const deleted: { sequence: number; cancelled: number[] }[] = [];
  const late = observe(1, ["a"], { replyTo: "late", deadlineMs: 1 });
  const processor = new OneProcessor([late], ({ stores }) => ({
    stores: {
      ...stores,
      logs: {
        ...stores.logs,
        delete: (id, sequence) => {
          const { cancelled } = JSON.parse(processor.world.bucket.get("p1")?.value ?? "{}");
          deleted.push({ sequence, cancelled });
          return stores.logs.delete(id, sequence);
        },
      },
    },
  }));
  await processor.start();
  assert.deepEqual(deleted, [{ sequence: 1, cancelled: [1] }]);
  assert.equal(processor.repliesTo("late")[0]?.outcome, "expired");
});

test("the client of a command that was left out for another one of its key is told so", async () => {
  const once = (attempt: string) => ({ id: "key", once: { fingerprint: "f", attempt }, store: true });
  const processor = new OneProcessor([
    observe(1, ["a"], { ...once("1"), replyTo: "first" }),
    observe(2, ["a"], { ...once("2"), replyTo: "second" }),
  ]);
  await processor.start();
  await goOn();
  assert.deepEqual(
    ["first", "second"].map((subject) => processor.repliesTo(subject).map(({ outcome }) => outcome)),
    [["applied"], ["failed"]],
  );
  assert.match(processor.repliesTo("second")[0]?.detail ?? "", /another command/);
});
