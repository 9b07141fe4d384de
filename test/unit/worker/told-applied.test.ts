import assert from "node:assert/strict";
import { test } from "node:test";
import { OneProcessor, observe } from "./one-processor.ts";

test("a command counts as applied for gateways only once its outcome is kept, however often that is tried (A7)", async () => {
  const back = Promise.withResolvers<void>();
  const history = [observe(1, ["a"]), observe(2, ["b"], { store: true }), observe(3, ["c"])];
  const processor = new OneProcessor(history, ({ stores }) => ({
    stores: {
      ...stores,
      outcomes: {
        claim: (command) => stores.outcomes.claim(command),
        record: (command, reply, lease) => {
          const kept = stores.outcomes.record(command, reply, lease);
          return kept && back.promise.then(() => kept);
        },
      },
    },
  }));
  await processor.start();
  assert.equal(processor.checkpoint?.applied, 3);
  assert.equal(processor.slot.state.applied, 1);
  back.resolve();
  await processor.until("the outcome is kept", () => processor.slot.state.applied === 3);
});
