import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import type { Changes } from "../../../services/worker/checkpoint/transitions.ts";
import {
  autoLearned,
  commandSucceeded,
  neededFrom,
  observed,
  observeNotBegun,
} from "../../../services/worker/checkpoint/transitions.ts";
import type { Step } from "../../../services/worker/model/step.ts";
import { stepsOf } from "../../../services/worker/model/step.ts";
import { observe, stored } from "./one-processor.ts";

function stepOf(command: StoredCommand): Step {
  const [step] = stepsOf(command);
  assert.ok(step);
  return step;
}

/** The checkpoint after these changes, each of which is made to the one before. */
function after(...changes: ((checkpoint: Checkpoint) => Changes)[]): Checkpoint {
  let checkpoint: Checkpoint = { ...firstCheckpoint, interval: 1 };
  for (const change of changes) checkpoint = { ...checkpoint, ...change(checkpoint) };
  return checkpoint;
}

const succeeds = (command: StoredCommand) => (checkpoint: Checkpoint) =>
  commandSucceeded(checkpoint, stepOf(command));

const isNotBegun = (sequence: number) => (checkpoint: Checkpoint) =>
  observeNotBegun(checkpoint, stepOf(observe(sequence, ["a"])));

/** What an Observe of this command has shown. */
function seenOf(checkpoint: Checkpoint, { data }: StoredCommand) {
  return { head: readObservationFields(data), interval: checkpoint.interval + 1 };
}

/** An Observe ticks. The symbol of its vector, if it has one, is the command's id. */
const ticks =
  (command: StoredCommand, isFailed = false) =>
  (checkpoint: Checkpoint) => {
    const seen = seenOf(checkpoint, command);
    const symbols = seen.head.hasVectors ? [command.id] : null;
    const events = checkpoint.events + 1;
    return observed(checkpoint, stepOf(command), { ...seen, failed: isFailed, events, symbols });
  };

const withVector = (sequence: number) =>
  stored(sequence, "Observe", { vectors: [[sequence]], unique_id: `o${sequence}` });

const places = (checkpoint: Checkpoint) =>
  checkpoint.notBegun.map(({ from, through }) => [from.sequence, through.sequence]);

test("Observes that were not begun are one stretch, and one that took place between two of them parts these (A5)", () => {
  const stretch = after(isNotBegun(1), isNotBegun(2));
  assert.deepEqual(places(stretch), [[1, 2]]);
  const parted = after(isNotBegun(1), ticks(observe(2, ["b"])), isNotBegun(3), isNotBegun(4));
  assert.deepEqual(places(parted), [
    [1, 1],
    [3, 4],
  ]);
});

test("an observation that failed is not the one that predictions are asked for by", () => {
  assert.equal(after(ticks(observe(1, ["a"]))).latestUniqueId, "o1");
  assert.equal(after(ticks(observe(1, ["a"])), ticks(observe(2, ["b"]), true)).latestUniqueId, "o1");
});

test("vectors are observed again after a restart until a Learn, or an auto-learn, has learned them (A5)", () => {
  const waiting = [isNotBegun(1), ticks(withVector(2)), ticks(withVector(3))];
  const before = after(...waiting);
  assert.equal(neededFrom(before), 1);
  assert.deepEqual(
    [before.vectorsFrom?.sequence, before.vectorEvents.length, places(before)],
    [2, 2, [[1, 1]]],
  );
  const command = withVector(4);
  const learnsByItself = (checkpoint: Checkpoint) =>
    autoLearned(checkpoint, stepOf(command), { ...seenOf(checkpoint, command), kept: [["c4"]] });
  for (const learned of [
    after(...waiting, succeeds(stored(4, "Learn", {}))),
    after(...waiting, learnsByItself),
  ]) {
    assert.equal(neededFrom(learned), 5);
    assert.deepEqual([learned.vectorsFrom, learned.vectorEvents, learned.notBegun], [null, [], []]);
  }
  const cleared = after(...waiting, succeeds(stored(4, "ClearWorkingMemory", {})));
  assert.equal(neededFrom(cleared), 2, "a clear learns nothing");
});

test("what could not be restored of a processor is forgotten with all of its memory", () => {
  const degradations = [{ code: "learn-torn" as const, since: 5, detail: "a Learn was torn by a crash" }];
  const cleared = after(() => ({ degradations }), succeeds(stored(1, "ClearAllMemory", {})));
  assert.deepEqual(cleared.degradations, []);
});

test("genes that are set one after the other are all given back after a restart", () => {
  const { settings } = after(
    succeeds(stored(1, "UpdateGenes", { genes: { recall_threshold: 0.5, persistence: 3 } })),
    succeeds(stored(2, "UpdateGenes", { genes: { recall_threshold: 0.25 } })),
  );
  assert.deepEqual(settings.genes, { recall_threshold: 0.25, persistence: 3 });
});
