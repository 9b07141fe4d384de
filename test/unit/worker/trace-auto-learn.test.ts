import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { World } from "./crash-schedules/world.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

const waitedFor = { replyTo: "client", deadlineMs: 1_100_000 };
const learnAtTwo = stored(1, "UpdateGenes", { genes: { max_sequence_length: 2 } });

function vector(sequence: number, value: number, sent: Partial<StoredCommand> = {}): StoredCommand {
  return stored(sequence, "Observe", { vectors: [[value]], unique_id: `o${sequence}` }, sent);
}

/** A processor whose instance dies in this auto-learn, between the model and its symbols. */
function dyingIn(point: number, history: StoredCommand[]): OneProcessor {
  const die = { at: "Observe model-written", point, kind: "instance" } as const;
  return new OneProcessor(history, undefined, new World({ seed: 1, history, faults: [die] }, []));
}

/** Checks that nobody is told more than can be proved, and that observations that match the model work. */
async function checkUnknown(processor: OneProcessor): Promise<void> {
  await processor.start();
  await processor.until("it is told", () => processor.repliesTo("client").length > 0);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "unknown");
  assert.ok(processor.checkpoint?.degradations.some(({ code }) => code === "auto-learn-unknown"));
  assert.deepEqual(processor.world.instance.torn, []);
}

test("whether a vector that was known before was learned once more cannot be told, but no model stays torn", async () => {
  const history = [learnAtTwo, vector(2, 1), observe(3, ["a"]), vector(4, 1, waitedFor)];
  await checkUnknown(dyingIn(2, history));
});

test("predictions that are too large to be read do not stop the processor", async () => {
  const known = [0, 10, 30, 60].map((value, index) => vector(2 + index, value));
  const processor = dyingIn(4, [learnAtTwo, ...known, vector(6, 20, waitedFor)]);
  processor.onCall = (method) =>
    method === "GetAllPredictions"
      ? { kind: "answered", status: status.RESOURCE_EXHAUSTED, details: "too large" }
      : undefined;
  await checkUnknown(processor);
});
