import assert from "node:assert/strict";
import { test } from "node:test";
import type { LearnFacts } from "../../../services/worker/engine/learn-verdict.ts";
import { judgeLearn } from "../../../services/worker/engine/learn-verdict.ts";
import { compareInterval } from "../../../services/worker/engine/reconcile.ts";
import type { LearnIntent } from "../../../services/worker/model/intent.ts";
import { unreadableFrequency } from "../../../services/worker/model/intent.ts";

/** A Learn of these two events, whose model was learned once before. */
const learn: LearnIntent = {
  kind: "learn",
  at: { sequence: 1, step: 0 },
  isObserve: false,
  before: [["a"], ["b"]],
  events: [["a"], ["b"]],
  model: "MODEL|ab",
  frequency: 1,
};
/** An Observe that makes KATO learn them. */
const autoLearn: LearnIntent = { ...learn, isObserve: true, before: [["a"]] };
const noFacts: LearnFacts = { restarted: false, ticked: false, frequency: 1, workingMemory: [], kept: 0 };

/** What is judged of a Learn whose instance still runs. */
function verdict(intent: LearnIntent, facts: Partial<LearnFacts>): string {
  return judgeLearn(intent, { ...noFacts, ...facts });
}

test("a Learn is learned once its model has been learned more often, whatever is in working memory (A3)", () => {
  assert.equal(verdict(learn, { frequency: 2, workingMemory: [["a"], ["b"]] }), "learned");
  assert.equal(verdict(learn, { workingMemory: [["a"], ["b"]] }), "not-begun");
});

test("a Learn that has emptied working memory and written no model may still be running (A7)", () => {
  assert.equal(verdict(learn, {}), "may-be-running");
});

test("a Learn is judged by its own events, and not by those that somebody else has observed meanwhile (A3)", () => {
  assert.equal(verdict(learn, { workingMemory: [["a"], ["b"], ["x"]] }), "not-begun");
  assert.equal(verdict(learn, { workingMemory: [["x"], ["y"]] }), "may-be-running");
});

test("a Learn of no events is repeated, one of events that make no model is over once they are gone", () => {
  const ofNothing: LearnIntent = { ...learn, before: [], events: [], model: "", frequency: 0 };
  assert.equal(verdict(ofNothing, { frequency: 0 }), "not-begun");
  assert.equal(verdict({ ...ofNothing, before: [["a"]], events: [["a"]] }, { frequency: 0 }), "learned");
});

test("an auto-learn is over only once KATO has dropped all events but the one that it keeps (A3)", () => {
  const ticked = { ticked: true, kept: 1, frequency: 2 };
  assert.equal(verdict(autoLearn, { ...ticked, workingMemory: [["a"], ["b"]] }), "may-be-running");
  assert.equal(verdict(autoLearn, { ...ticked, workingMemory: [["b"]] }), "learned");
  assert.equal(verdict(autoLearn, { workingMemory: [["a"]] }), "not-begun");
});

test("an auto-learn whose model cannot be foretold is over once another event is left than before (A7)", () => {
  const ofVectors: LearnIntent = { ...autoLearn, events: null, model: "", frequency: 0 };
  const ticked = { ticked: true, kept: 1, frequency: 0 };
  assert.equal(verdict(ofVectors, { ...ticked, workingMemory: [["a"]] }), "may-be-running");
  assert.equal(verdict(ofVectors, { ...ticked, workingMemory: [["VECTOR|1"]] }), "learned");
  const ofThree: LearnIntent = { ...ofVectors, before: [["a"], ["b"]] };
  assert.equal(verdict(ofThree, { ...ticked, workingMemory: [["a"]] }), "learned");
});

test("after a restart only the model tells, and nothing where it cannot be known (A7)", () => {
  const restarted = { restarted: true };
  assert.equal(verdict(learn, restarted), "not-begun");
  assert.equal(verdict(learn, { ...restarted, frequency: 2 }), "learned");
  assert.equal(verdict({ ...learn, frequency: 0 }, restarted), "perhaps-torn");
  assert.equal(verdict({ ...learn, events: null }, restarted), "unknown");
  const unreadable = { ...learn, frequency: unreadableFrequency };
  assert.equal(verdict(unreadable, { ...restarted, frequency: unreadableFrequency }), "unknown");
});

test("an interval of 0 may be a restart, whatever was expected (A5)", () => {
  assert.deepEqual(compareInterval(0, 0), { kind: "restarted" });
  assert.deepEqual(compareInterval(5, 3), { kind: "restarted" });
  assert.deepEqual(compareInterval(3, 3), { kind: "in-step" });
  assert.deepEqual(compareInterval(3, 5), { kind: "ahead", by: 2 });
});
