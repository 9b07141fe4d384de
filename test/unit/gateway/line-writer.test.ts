import assert from "node:assert/strict";
import { test } from "node:test";
import type { IntakeRecord } from "../../../services/gateway/bulk/intake-record.ts";
import { LineWriter } from "../../../services/gateway/bulk/line-writer.ts";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";
import { CommandRoom } from "../../../services/gateway/fleet/command-room.ts";
import type { Share } from "../../../services/gateway/http/memory-budget.ts";
import { MemoryBudget } from "../../../services/gateway/http/memory-budget.ts";

type Acknowledge = (error: null, message: { subject: string; data: Uint8Array; json(): unknown }) => void;

/** A log that stores at once what is published, and acknowledges it when it is told to. */
class SlowLog {
  /** What it has stored. */
  bytes = 0;
  #unacknowledged: string[] = [];
  #sequence = 0;
  #answer: Acknowledge = () => {};

  /** The connection that a writer has to it. */
  readonly connection = {
    publish: (_: string, data: Uint8Array, { reply }: { reply: string }) => {
      this.bytes += data.length + 300;
      this.#unacknowledged.push(reply);
    },
    subscribe: (_: string, { callback }: { callback: Acknowledge }) => {
      this.#answer = callback;
      return { unsubscribe: () => {} };
    },
  };

  acknowledge(): void {
    for (const subject of this.#unacknowledged.splice(0)) {
      const seq = ++this.#sequence;
      this.#answer(null, { subject, data: new Uint8Array(1), json: () => ({ seq }) });
    }
  }
}

function writerTo(log: SlowLog, room: Partial<CommandRoom>, share?: Share): LineWriter {
  const backend = {
    nats: { connection: log.connection, session: 1 },
    states: { stored: () => {}, queue: () => undefined },
    room,
  } as unknown as Backend;
  const record = {
    current: { processor: "p1", ingestion: "i" },
    stored: () => {},
  } as unknown as IntakeRecord;
  return new LineWriter({
    backend,
    record,
    log: { isReplicated: false, takesBatches: false },
    trace: undefined,
    sender: "",
    receipts: undefined,
    share,
  });
}

test("lines on their way to the log count as memory, and a stream waits where there is little left", (t) => {
  const budget = new MemoryBudget(1_000, "bodies", () => {});
  const writer = writerTo(new SlowLog(), { check: () => {} }, budget.share());
  t.after(() => writer.close());
  assert.equal(writer.add(1, new Uint8Array(300)), undefined);
  assert.equal(budget.usedBytes, 300);
  const waiting = writer.add(2, new Uint8Array(600));
  assert.equal(budget.usedBytes, 900);
  assert.ok(waiting);
  waiting.catch(() => {});
  writer.close();
  assert.equal(budget.usedBytes, 0);
});

test("a line that the log has stored and not yet acknowledged is not counted twice: no later one is refused early", async (t) => {
  const log = new SlowLog();
  const store = {
    stateWith: () => "ample" as const,
    wrote: () => {},
    ask: async () => {},
    usedBytes: 0,
    capacityBytes: undefined,
    reserveBytes: undefined,
    close: () => {},
  };
  const room = new CommandRoom(store, {
    size: async () => ({ bytes: log.bytes, maxBytes: 100_000 }),
  });
  await room.ask("p1");
  const writer = writerTo(log, room);
  t.after(() => writer.close());
  let line = 1;
  for (; line <= 50; line++) assert.equal(writer.add(line, new Uint8Array(700)), undefined);
  // The log is asked for its size while it has them all, and the writer knows of none.
  await room.ask("p1");
  const adding = async () => {
    for (; ; line++) await writer.add(line, new Uint8Array(700));
  };
  const acknowledging = setInterval(() => log.acknowledge(), 5);
  t.after(() => clearInterval(acknowledging));
  await assert.rejects(adding(), { code: "LOG_FULL" });
  assert.equal(line, 96, "95 lines fit into what a log takes of these commands");
});
