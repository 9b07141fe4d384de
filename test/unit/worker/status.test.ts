import assert from "node:assert/strict";
import { test } from "node:test";
import { Status } from "../../../services/worker/processor/status.ts";

const silent = { info: () => {}, warn: () => {} };

test("a paused processor is shown as paused, but as down when its instance is away", () => {
  const status = new Status(silent, () => {});
  status.become("ready");
  status.setPaused(true);
  assert.equal(status.shown.state, "paused");
  status.become("down");
  assert.equal(status.shown.state, "down");
  status.become("ready");
  assert.equal(status.shown.state, "paused");
  status.setPaused(false);
  assert.equal(status.shown.state, "ready");
});

test("whoever waits for a paused processor goes on when it is resumed", async () => {
  const status = new Status(silent, () => {});
  await status.resumed();
  status.setPaused(true);
  let goesOn = false;
  const waiting = status.resumed().then(() => {
    goesOn = true;
  });
  await new Promise(setImmediate);
  assert.equal(goesOn, false);
  status.setPaused(false);
  await waiting;
});

test("what is first known of the instance is told, that it goes, is back and was rebuilt, and no other change", () => {
  const told: string[] = [];
  const status: Status = new Status(silent, () => told.push(status.state));
  for (const state of [
    "rebuilding",
    "ready",
    "applying",
    "ready",
    "down",
    "down",
    "rebuilding",
    "ready",
  ] as const)
    status.become(state);
  assert.deepEqual(told, ["rebuilding", "ready", "down", "rebuilding", "ready"]);
});
