import assert from "node:assert/strict";
import { test } from "node:test";
import { OneProcessor, observe } from "./one-processor.ts";

test("a command that NATS counts and cannot read does not leave the processor applying for ever", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])], ({ stores }) => {
    const read: typeof stores.logs.read = (id, from) => {
      const reader = stores.logs.read(id, from);
      return {
        pending: () => reader.pending(),
        close: () => reader.close(),
        get isClosed() {
          return reader.isClosed;
        },
        async *commands() {
          for await (const { command, behind } of reader.commands()) yield { command, behind: behind + 1 };
        },
      };
    };
    return { stores: { ...stores, logs: { ...stores.logs, read } } };
  });
  await processor.start();
  await processor.pass(1_000);
  const { state, last } = processor.slot.state;
  assert.deepEqual([state, last], ["applying", 3]);
  processor.slot.sawEnd(2);
  const now = processor.slot.state;
  assert.deepEqual([now.state, now.last, now.oldestMs], ["ready", 2, 0]);
});
