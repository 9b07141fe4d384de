import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { VirtualClock } from "./crash-schedules/virtual-clock.ts";
import { goOn, OneProcessor, observe, setGenes, stored, unseen } from "./one-processor.ts";

/** When the world's clock begins. */
const startsAtMs = new VirtualClock().nowMs;

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

for (const [what, first, second] of [
  ["a Learn", observe(1, ["a"]), stored(2, "Learn", {})],
  ["an Observe that makes KATO learn", setGenes(1, { max_sequence_length: 1 }), observe(2, ["b"])],
] as const) {
  test(`${what} is not begun if it is cancelled while a question before it has no answer (A7)`, async () => {
    const processor = new OneProcessor([first, second]);
    const { isAsked, answer } = hangingBefore(processor, 2);
    void processor.slot.start();
    await processor.until("it is asked", isAsked);
    await processor.pass(3_000);
    assert.equal((await processor.slot.cancel(2)).outcome, "expired");
    answer();
    await processor.untilApplied(2);
    assert.equal(processor.world.instance.kept.models.size, 0);
  });
}

test("a Learn is not begun if its time passes while a question before it has no answer", async () => {
  const learn = stored(2, "Learn", {}, { replyTo: "client", deadlineMs: startsAtMs + 5_000 });
  const processor = new OneProcessor([observe(1, ["a"]), learn]);
  const { isAsked, answer } = hangingBefore(processor, 2);
  void processor.slot.start();
  await processor.until("it is asked", isAsked);
  await processor.pass(10_000);
  answer();
  await processor.untilApplied(2);
  assert.deepEqual(
    processor.repliesTo("client").map(({ outcome }) => outcome),
    ["expired"],
  );
  assert.deepEqual(processor.world.instance.events, [["a"]]);
});

test("what was only asked about when its instance went away was not begun, and its client is told so (A7)", async () => {
  const learn = stored(2, "Learn", {}, { replyTo: "client", deadlineMs: startsAtMs + 60_000 });
  const processor = new OneProcessor([observe(1, ["a"]), learn]);
  processor.onCall = () => (processor.checkpoint?.applied === 1 ? unseen : undefined);
  void processor.slot.start();
  await processor.until("its client is told", () => processor.repliesTo("client").length > 0);
  const [{ outcome, grpcStatus } = {}] = processor.repliesTo("client");
  assert.deepEqual([outcome, grpcStatus], ["expired", status.UNAVAILABLE]);
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

/** Has the instance hang in the first call that is made for this command, until `answer`. */
function hangingBefore(processor: OneProcessor, sequence: number) {
  const answering = Promise.withResolvers<undefined>();
  let isAsked = false;
  processor.onCall = () => {
    if (isAsked || processor.checkpoint?.applied !== sequence - 1) return undefined;
    isAsked = true;
    return answering.promise;
  };
  return { isAsked: () => isAsked, answer: () => answering.resolve(undefined) };
}
