import assert from "node:assert/strict";
import { test } from "node:test";
import type { IntakeRecord } from "../../../services/gateway/bulk/intake-record.ts";
import { LineWriter } from "../../../services/gateway/bulk/line-writer.ts";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";
import { MemoryBudget } from "../../../services/gateway/http/memory-budget.ts";

test("lines on their way to the log count as memory, and a stream waits where there is little left", (t) => {
  const connection = { publish: () => {}, subscribe: () => ({ unsubscribe: () => {} }) };
  const backend = {
    nats: { connection, session: 1 },
    states: { stored: () => {}, queue: () => undefined },
    room: { check: () => {} },
  } as unknown as Backend;
  const record = { current: { processor: "p1", ingestion: "i" } } as unknown as IntakeRecord;
  const budget = new MemoryBudget(1_000, "bodies", () => {});
  const writer = new LineWriter({
    backend,
    record,
    log: { isReplicated: false, takesBatches: false },
    trace: undefined,
    sender: "",
    receipts: undefined,
    share: budget.share(),
  });
  t.after(() => writer.close());
  writer.add(1, new Uint8Array(300));
  assert.equal(budget.usedBytes, 300);
  assert.equal(writer.room(), undefined);
  writer.add(2, new Uint8Array(600));
  assert.equal(budget.usedBytes, 900);
  const waiting = writer.room();
  assert.ok(waiting);
  waiting.catch(() => {});
  writer.close();
  assert.equal(budget.usedBytes, 0);
});
