import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { EveryFaultThread } from "./crash-schedules/every-fault-thread.ts";

const thread = new EveryFaultThread();
after(() => thread.close());

const observe = (sequence: number, sent: Partial<StoredCommand> = {}): StoredCommand => ({
  id: `c${sequence}`,
  processor: "p1",
  sequence,
  method: "Observe",
  data: encodeRequest("Observe", { strings: ["a"], unique_id: `o${sequence}` }),
  ...sent,
});

const late = { replyTo: "late", deadlineMs: 1 };

test("what was told that it is not begun is not begun, also where taking it out of the log seems to have failed (A2)", async () => {
  const history = [observe(1), observe(2, late), observe(3)];
  await thread.withFaultAnywhere(history, ["unseen", "nats", "worker", "both", "lease"]);
});

test("of a key one command is applied, also where the one that was first had its answer from a worker that is gone", async () => {
  const once = (attempt: string) => ({ id: "key", once: { fingerprint: "f", attempt }, store: true });
  const history = [observe(1, once("a")), observe(2), observe(3, once("b")), observe(4)];
  await thread.withFaultAnywhere(history, ["worker", "both", "lease", "unseen", "stop"]);
});

test("an observation that was answered is not taken for late when the worker and the instance die at once (A7)", async () => {
  const history = [1, 2, 3].map((sequence) =>
    observe(sequence, { replyTo: `c${sequence}`, deadlineMs: 1_000_000 }),
  );
  await thread.withFaultAnywhere(history, ["both"]);
});

test("the log is trimmed of nothing that a rebuild needs (A5)", async () => {
  const history = [
    observe(1),
    { ...observe(2), method: "Learn", data: new Uint8Array() },
    observe(3),
    observe(4),
  ];
  const points = await thread.withFaultAnywhere(history, ["trim"], { kind: "both", later: 6 });
  assert.ok(points > 50);
});
