import assert from "node:assert/strict";
import { test } from "node:test";
import { PublishRun } from "../../../libs/commands/log/publish-run.ts";

test("a run is answered once each of its messages is, and an earlier run's answers do not count", () => {
  const run = new PublishRun();
  run.countSent(1);
  run.countSent(1);
  assert.equal(run.countAnswer(0), true);
  assert.equal(run.isAnswered, false);
  run.next();
  assert.equal(run.isAnswered, true);
  run.countSent(1);
  assert.equal(run.countAnswer(0), false);
  assert.equal(run.isAnswered, false);
  assert.equal(run.countAnswer(run.number), true);
  assert.equal(run.isAnswered, true);
});

test("over another connection the answers are given up, and one that comes all the same changes nothing", () => {
  const run = new PublishRun();
  run.countSent(1);
  assert.equal(run.giveUpLostAnswers(1), false);
  assert.equal(run.giveUpLostAnswers(0), true);
  assert.equal(run.isAnswered, true);
  assert.equal(run.giveUpLostAnswers(2), false);
  run.countAnswer(run.number);
  assert.equal(run.isAnswered, true);
});
