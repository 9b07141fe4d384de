import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../libs/commands/messages/command.ts";
import { StartGate } from "../../services/worker/applier/start-gate.ts";
import type { Checkpoint } from "../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../services/worker/checkpoint/checkpoint.ts";

/** The gate of an instance that is known to have what this checkpoint, of which 4 are applied, says. */
function gateOf(checkpoint: Partial<Checkpoint>): StartGate {
  const gate = new StartGate(() => ({ ...firstCheckpoint, applied: 4, ...checkpoint }));
  gate.reconciled();
  return gate;
}

const commandOf = (sequence: number): StoredCommand => {
  return { id: `c${sequence}`, processor: "p1", method: "Observe", data: new Uint8Array(), sequence };
};

test("before it is known what an earlier worker has begun nothing can be cancelled", () => {
  const gate = new StartGate(() => ({ ...firstCheckpoint, applied: 4 }));
  assert.equal(gate.cancel(5), false);
  gate.reconciled();
  assert.equal(gate.cancel(5), true);
});

test("what was begun cannot be cancelled: a step of it is applied, it is marked, or it is replayed (A7)", () => {
  assert.equal(gateOf({ step: 1 }).cancel(5), false);
  assert.equal(
    gateOf({ mark: { kind: "threshold", value: 0.2, at: { sequence: 5, step: 0 } } }).cancel(5),
    false,
  );
  const replayed = gateOf({ replaying: { through: 9, isCleared: true } });
  assert.equal(replayed.cancel(9), false);
  assert.equal(replayed.cancel(10), true);
  const next = gateOf({});
  next.begin(5);
  assert.equal(next.cancel(5), false);
});

test("of commands of several steps only the one in hand was begun", () => {
  const gate = gateOf({ step: 1 });
  assert.equal(gate.cancel(7), false, "which one that is, is not known yet");
  gate.takeInHand(6);
  assert.equal(gate.cancel(6), false);
  assert.equal(gate.cancel(7), true);
});

test("what was cancelled is over, and stays so", () => {
  const gate = gateOf({});
  assert.equal(gate.cancel(5), true);
  assert.equal(gate.isOver(commandOf(5)), true);
  assert.equal(gate.isOver(commandOf(6)), false);
});
