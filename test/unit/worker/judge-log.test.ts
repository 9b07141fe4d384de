import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeLog } from "../../../services/worker/checkpoint/judge-log.ts";

const storedAtMs = 1_795_750_021_137;
const known = { id: "log1", latest: { sequence: 7, storedAtMs }, end: 7 };

/** What becomes of a log whose command 7 was stored so much later than the checkpoint says. */
function verdictOf(laterMs: number): string {
  const log = { id: "log1", messages: 7, first: 1, last: 7, firstStoredAtMs: 1, created: "" };
  const seen = { latestStoredAtMs: storedAtMs + laterMs, firstLater: undefined, firstUnseen: undefined };
  return judgeLog(known, 7, { ...log, ...seen, nowMs: storedAtMs + 1_000 }).kind;
}

test("a log with another command where the latest one was is not the same", () => {
  for (const laterMs of [-1_000, -2, 1, 1_000]) assert.equal(verdictOf(laterMs), "unclear", String(laterMs));
});

test("a log is the same although an older version has noted its latest command a millisecond late", () => {
  for (const laterMs of [-1, 0]) assert.equal(verdictOf(laterMs), "same", String(laterMs));
});
