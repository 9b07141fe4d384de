import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../../../services/worker/checkpoint/checkpoint-writer.ts";
import { clockWith } from "../../../services/worker/model/clock.ts";
import { NatsAway, NotBegun } from "../../../services/worker/model/interruptions.ts";
import { CancellationGate } from "../../../services/worker/processor/cancellation.ts";

/** A writer with this checkpoint. `save` decides whether anything can be persisted. */
function writerOf(checkpoint: Partial<Checkpoint>, save = async () => {}): CheckpointWriter {
  return new CheckpointWriter({ loaded: { ...firstCheckpoint, ...checkpoint }, save, onError: () => {} });
}

/** The gate of a reconciled instance with this checkpoint. The commands up to 4 are applied. */
function gateOf(checkpoint: Partial<Checkpoint>): CancellationGate {
  const gate = new CancellationGate(writerOf({ applied: 4, ...checkpoint }), clock);
  gate.reconciled();
  return gate;
}

const commandOf = (sequence: number): StoredCommand => {
  return { id: `c${sequence}`, processor: "p1", method: "Observe", data: new Uint8Array(), sequence };
};

const clock = clockWith({ nowMs: Date.now });

test("before it is known what an earlier worker has begun nothing can be cancelled", () => {
  const gate = new CancellationGate(writerOf({ applied: 4 }), clock);
  assert.equal(gate.forbid(5), false);
  gate.reconciled();
  assert.equal(gate.forbid(5), true);
});

test("what was begun cannot be cancelled: a step of it is applied, it is marked, or it is replayed (A7)", () => {
  assert.equal(gateOf({ step: 1 }).forbid(5), false);
  assert.equal(
    gateOf({ mark: { kind: "threshold", value: 0.2, at: { sequence: 5, step: 0 } } }).forbid(5),
    false,
  );
  const replayed = gateOf({ replaying: { through: 9, isCleared: true } });
  assert.equal(replayed.forbid(9), false);
  assert.equal(replayed.forbid(10), true);
  const next = gateOf({});
  next.begin(commandOf(5));
  assert.equal(next.forbid(5), false);
});

test("of commands of several steps only the one in hand was begun", () => {
  const gate = gateOf({ step: 1 });
  assert.equal(gate.forbid(7), false, "which one that is, is not known yet");
  gate.takeInHand(commandOf(6));
  assert.equal(gate.forbid(6), false);
  assert.equal(gate.forbid(7), true);
});

test("a command that is prepared can be cancelled, and its processor is not between two commands", () => {
  const gate = gateOf({});
  gate.prepare(5);
  assert.equal(gate.isNothingBegun, false);
  assert.equal(gate.forbid(5), true);
  assert.throws(() => gate.begin(commandOf(5)), NotBegun);
});

test("what was cancelled is over, and stays so", () => {
  const gate = gateOf({});
  assert.equal(gate.forbid(5), true);
  assert.equal(gate.mustNotBegin(commandOf(5)), true);
  assert.equal(gate.mustNotBegin(commandOf(6)), false);
});

test("what was cancelled stays so in a later life, and is not told where that cannot be kept (A7)", async () => {
  const saved: Checkpoint[] = [];
  const writer = writerOf({ applied: 4 });
  const persisted = new CheckpointWriter({
    loaded: writer.current,
    save: async (checkpoint) => void saved.push(checkpoint),
    onError: () => {},
  });
  const gate = new CancellationGate(persisted, clock);
  gate.reconciled();
  assert.equal(await gate.cancel(6), true);
  const later = gateOf(saved.at(-1) ?? {});
  assert.equal(later.mustNotBegin(commandOf(6)), true);
  assert.throws(() => later.begin(commandOf(6)), NotBegun);

  const failing = writerOf({ applied: 4 }, () => Promise.reject(new NatsAway("not answered")));
  const unheard = new CancellationGate(failing, clock);
  unheard.reconciled();
  assert.equal(await unheard.cancel(6), false);
  assert.equal(unheard.mustNotBegin(commandOf(6)), true, "it may have been kept all the same");
});

test("what an earlier worker may have begun before everything died cannot be cancelled, and is not late", () => {
  const gate = gateOf({ perhapsBegunThrough: 6 });
  const late = { ...commandOf(6), deadlineMs: 1 };
  assert.equal(gate.forbid(6), false);
  assert.equal(gate.isLate(late), false);
  assert.equal(gate.isLate({ ...late, sequence: 7 }), true);
});

test("a command that needs an intent record and has none was begun by nobody, nor was any behind it", () => {
  const gate = gateOf({ perhapsBegunThrough: 9 });
  gate.takeInHand(commandOf(5));
  assert.equal(gate.mayBeBegun({ sequence: 6 }), true, "an Observe shows nothing");
  assert.equal(gate.isBegun({ sequence: 6 }), false);
  gate.takeInHand({ ...commandOf(6), method: "Learn" });
  assert.equal(gate.mayBeBegun({ sequence: 6 }), false);
  assert.equal(gate.mayBeBegun({ sequence: 5 }), true);
});
