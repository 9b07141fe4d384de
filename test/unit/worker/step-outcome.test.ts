import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeResponse } from "../../../libs/kato/codec.ts";
import { sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import { Interrupted } from "../../../services/worker/model/interruptions.ts";
import { byCodePoint } from "../../../services/worker/model/memory-events.ts";
import type { StepOutcome } from "../../../services/worker/model/step-outcome.ts";
import { outcomeOf, outcomeOfSteps, refused, unknown } from "../../../services/worker/model/step-outcome.ts";

const applied: StepOutcome = { ...refused(0, ""), outcome: "applied" };
const failed = refused(0, "");

test("a call whose end was not seen, or that was not sent, has no outcome (A7)", () => {
  const details = { status: 14, details: "gone" };
  assert.throws(() => outcomeOf({ kind: "unseen", ...details }), Interrupted);
  assert.throws(() => outcomeOf({ kind: "not-sent", ...details }), Interrupted);
  assert.equal(outcomeOf({ kind: "answered", ...details }).outcome, "failed");
  const response = { id: "p1", interval: 1, time_stamp: 0 };
  const bytes = encodeResponse("Learn", { ...response, status: "FAILED" });
  assert.equal(outcomeOf({ kind: "response", bytes }).outcome, "failed");
});

test("a command of several steps has the worst of their outcomes, and unknown is worse than failed (A7)", () => {
  const outcomeOfAll = (...steps: StepOutcome[]) => outcomeOfSteps(sequenceMethod, steps).outcome;
  assert.equal(outcomeOfAll(applied, applied), "applied");
  assert.equal(outcomeOfAll(applied, failed, applied), "failed");
  assert.equal(outcomeOfAll(failed, unknown("?"), applied), "unknown");
});

test("symbols are sorted by code point, as Python sorts them", () => {
  assert.deepEqual(["\u{1f600}", "\uff5e", "b", "A"].sort(byCodePoint), ["A", "b", "\uff5e", "\u{1f600}"]);
});
