import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../libs/commands/messages/command.ts";
import { Standing } from "../../services/worker/applier/standing.ts";
import { StartGate } from "../../services/worker/applier/start-gate.ts";
import type { Taking } from "../../services/worker/applier/take-command.ts";
import { takeCommand } from "../../services/worker/applier/take-command.ts";
import { CheckpointBook, firstCheckpoint } from "../../services/worker/checkpoint/checkpoint.ts";

const command: StoredCommand = {
  id: "c1",
  processor: "p1",
  method: "Observe",
  data: new Uint8Array(),
  sequence: 1,
  deadlineMs: Date.now() + 3_600_000,
};

const silent = { info: () => {}, warn: () => {}, error: () => {} };

test("what was asked to be taken out of the log is not begun, also where that seems to have failed (A2)", async () => {
  const book = new CheckpointBook({ loaded: firstCheckpoint, save: async () => {}, onError: () => {} });
  const gate = new StartGate(() => book.current);
  gate.reconciled();
  const done: string[] = [];
  let isThere = false;
  let isAnswered = false;
  const taking: Taking = {
    open: {
      context: { processor: "p1", book },
      answers: {
        answer: (_command, { outcome }) => done.push(outcome),
        refuse: () => done.push("refused"),
        concludeStep: () => done.push("concluded"),
      },
      apply: async ({ at }) => {
        done.push("applied");
        book.note({ applied: at.sequence });
      },
    },
    keeper: {
      turn: (task) => task(),
      prepare: async () => isThere,
      doubt: () => {},
      whyDown: "",
      instance: { connectionChange: async () => {} },
    },
    gate,
    standing: new Standing(silent, () => {}),
    logs: {
      delete: async () => {
        if (!isAnswered) throw new Error("timeout");
      },
    },
    claim: async () => true,
    isStopping: () => false,
    isCalledAway: () => false,
    log: silent,
  };

  // Its instance is away, and NATS, which may take the command out of the log some time later, does not say so.
  await assert.rejects(takeCommand(taking, command), /timeout/);
  isThere = true;
  isAnswered = true;
  await takeCommand(taking, command);
  assert.deepEqual(done, ["expired"]);
  assert.equal(book.current.applied, 1);
});
