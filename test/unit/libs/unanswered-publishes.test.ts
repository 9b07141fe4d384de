import assert from "node:assert/strict";
import { test } from "node:test";
import { UnansweredPublishes } from "../../../libs/commands/log/unanswered-publishes.ts";

test("a run is answered once each of its messages is, and an earlier run's answers do not count", () => {
  const unanswered = new UnansweredPublishes();
  unanswered.countSent(1);
  unanswered.countSent(1);
  assert.equal(unanswered.countAnswer(0), true);
  assert.equal(unanswered.isEmpty, false);
  unanswered.beginRun();
  assert.equal(unanswered.isEmpty, true);
  unanswered.countSent(1);
  assert.equal(unanswered.countAnswer(0), false);
  assert.equal(unanswered.isEmpty, false);
  assert.equal(unanswered.countAnswer(unanswered.run), true);
  assert.equal(unanswered.isEmpty, true);
});

test("over another connection the answers are given up, and one that comes all the same changes nothing", () => {
  const unanswered = new UnansweredPublishes();
  unanswered.countSent(1);
  assert.equal(unanswered.giveUpLost(1), false);
  assert.equal(unanswered.giveUpLost(0), true);
  assert.equal(unanswered.isEmpty, true);
  assert.equal(unanswered.giveUpLost(2), false);
  unanswered.countAnswer(unanswered.run);
  assert.equal(unanswered.isEmpty, true);
});
