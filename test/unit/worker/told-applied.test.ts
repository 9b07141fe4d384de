import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { atFirst, failed, OneProcessor, observe, stored } from "./one-processor.ts";

/** A processor whose outcomes are not kept before `back` resolves. */
function withOutcomesKeptAfter(history: StoredCommand[], back: Promise<void>): OneProcessor {
  return new OneProcessor(history, ({ stores }) => ({
    stores: {
      ...stores,
      outcomes: {
        claim: (command) => stores.outcomes.claim(command),
        record: (command, reply, lease) => {
          const kept = stores.outcomes.record(command, reply, lease);
          return kept && back.then(() => kept);
        },
      },
    },
  }));
}

test("a command counts as applied for gateways only once its outcome is kept, however often that is tried (A7)", async () => {
  const back = Promise.withResolvers<void>();
  const history = [observe(1, ["a"]), observe(2, ["b"], { store: true }), observe(3, ["c"])];
  const processor = withOutcomesKeptAfter(history, back.promise);
  await processor.start();
  assert.equal(processor.checkpoint?.applied, 3);
  assert.equal(processor.slot.state.applied, 1);
  back.resolve();
  await processor.until("the outcome is kept", () => processor.slot.state.applied === 3);
});

test("a worker that takes over finds a command applied only once its outcome is kept (A7)", async () => {
  const back = Promise.withResolvers<void>();
  const history = [observe(1, ["a"]), observe(2, ["b"], { store: true }), observe(3, ["c"])];
  const processor = withOutcomesKeptAfter(history, back.promise);
  const persisted = () => JSON.parse(processor.world.bucket.get("p1")?.value ?? "{}").applied;
  await processor.start();
  await processor.pass(1_000);
  assert.ok(persisted() < 2);
  back.resolve();
  await processor.until("it is persisted", () => persisted() === 3);
  assert.equal(processor.world.records.get("c2")?.record.state, "applied");
});

test("the outcome of a command that was begun is kept for its client, who has stopped waiting (A7)", async () => {
  const processor = new OneProcessor([
    observe(1, ["a"], { replyTo: "client", deadlineMs: 1_000_000_000_000 }),
  ]);
  let told: string | undefined;
  processor.onCall = async (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o1")) {
      told = (await processor.slot.cancel(1)).outcome;
    }
    return undefined;
  };
  await processor.start();
  assert.equal(told, "unknown");
  await processor.until("it is kept", () => processor.world.records.get("c1")?.record.state === "applied");
});

test("a failure that was kept is not what is kept of a command that the next worker has tried again (A7)", async () => {
  const once = { fingerprint: "f", attempt: "a" };
  const learn = stored(2, "Learn", {}, { id: "key", once, store: true });
  const first = new OneProcessor([observe(1, ["a", "b"]), learn], ({ stores }) => ({
    stores: {
      ...stores,
      checkpoints: {
        ...stores.checkpoints,
        load: () => stores.checkpoints.load(),
        save: async (checkpoint) => {
          // It dies before it is persisted that the command has ended.
          if (checkpoint.applied === 2) first.life.isDead = true;
          return stores.checkpoints.save(checkpoint);
        },
      },
    },
  }));
  first.onCall = atFirst("GetModel", () => failed("GetModel", first.world.instance.interval));
  void first.slot.start();
  await first.until("the worker has died", () => first.life.isDead);
  assert.equal(first.world.records.get("key")?.record.state, "failed");
  const next = new OneProcessor([], undefined, first.world);
  await next.start();
  await next.until("it is kept", () => next.world.records.get("key")?.record.state === "applied");
  assert.equal(next.world.instance.kept.models.size, 1);
});
