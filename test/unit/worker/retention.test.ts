import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../../../services/worker/checkpoint/checkpoint-writer.ts";
import { Retention } from "../../../services/worker/processor/retention.ts";

const anyNumber = Number.MAX_SAFE_INTEGER;
const nowMs = 1_000_000;

/** A processor that has applied everything up to this sequence, and learned there. */
const learnedAt = (sequence: number): Partial<Checkpoint> => ({
  applied: sequence,
  replayFrom: { sequence: sequence + 1, step: 0 },
});

/** A writer whose checkpoint is persisted. What it is given later is not. */
function writerOf(persisted: Partial<Checkpoint>): CheckpointWriter {
  const loaded = { ...firstCheckpoint, ...persisted };
  return new CheckpointWriter({ loaded, save: async () => {}, onError: () => {}, later: () => () => {} });
}

/**
 * The retention of a log that is so full, undefined without a limit, and the sequences below which it was
 * trimmed. Its commands were stored at these times.
 */
function retentionOf({ fill, storedAtMs = [] }: { fill?: number; storedAtMs?: number[] }) {
  const trimmed: number[] = [];
  const logs: ConstructorParameters<typeof Retention>[1] = {
    fill: async () => fill,
    firstSince: async (_processor, sinceMs) => {
      const index = storedAtMs.findIndex((ms) => ms >= sinceMs);
      return index < 0 ? undefined : { sequence: index + 1, storedAtMs: storedAtMs[index] ?? 0 };
    },
    trim: async (_processor, sequence) => void trimmed.push(sequence),
  };
  const retention = new Retention(
    "p1",
    logs,
    (task) => task(),
    () => nowMs,
  );
  return { retention, trimmed };
}

test("the log is trimmed by what is persisted of its checkpoint, and not by what is yet to be written (A5)", async () => {
  const { retention, trimmed } = retentionOf({});
  const writer = writerOf(learnedAt(4));
  writer.update(learnedAt(10));
  await retention.trim(writer, { commands: 0, ageMs: 0 });
  assert.deepEqual(trimmed, [5]);
});

test("a log keeps its history only as long as that leaves room for new commands", async () => {
  const history = { commands: 4, ageMs: 0 };
  const roomy = retentionOf({ fill: 0.4 });
  await roomy.retention.trim(writerOf(learnedAt(10)), history);
  assert.deepEqual(roomy.trimmed, [7]);
  const filling = retentionOf({ fill: 0.6 });
  await filling.retention.trim(writerOf(learnedAt(10)), history);
  assert.deepEqual(filling.trimmed, [11]);
});

test("commands that are too old are trimmed, also where no young one follows them", async () => {
  const history = { commands: anyNumber, ageMs: 1_000 };
  const old = retentionOf({ storedAtMs: [nowMs - 3_000, nowMs - 2_000] });
  await old.retention.trim(writerOf(learnedAt(2)), history);
  assert.deepEqual(old.trimmed, [3]);
  const mixed = retentionOf({ storedAtMs: [nowMs - 3_000, nowMs - 500] });
  await mixed.retention.trim(writerOf(learnedAt(2)), history);
  assert.deepEqual(mixed.trimmed, [2]);
});
