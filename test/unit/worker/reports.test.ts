import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import { reportEveryMs } from "../../../libs/commands/messages/processor-state.ts";
import { Reports } from "../../../services/worker/processor/reports.ts";
import { idleState } from "../../fixtures/idle-state.ts";

const ready: ProcessorState = { ...idleState, since: 1, worker: "w1", applied: 5, last: 5, interval: 5 };

/** Reports of a state that a test changes, and what was published of it. */
function startReports(t: TestContext, end = 0) {
  const now = { ms: 10_000, state: { ...ready }, changes: 0, version: 0, asked: 0 };
  t.mock.method(performance, "now", () => now.ms);
  const published: ProcessorState[] = [];
  const connection = {
    publish: (_subject: string, text: unknown) => {
      published.push(JSON.parse(String(text)));
    },
  };
  let seen: ProcessorState | undefined;
  const processor = {
    id: ready.processor,
    get state() {
      now.asked++;
      return { ...now.state };
    },
    get changes() {
      if (seen !== now.state) now.changes++;
      seen = now.state;
      return now.changes;
    },
    get version() {
      return now.version;
    },
  };
  const reports = new Reports(connection, processor, async () => end);
  return { now, published, reports };
}

test("a processor of which nothing changes is reported often enough to count as run", (t) => {
  const { now, published, reports } = startReports(t);
  for (let ticks = 0; ticks < 12; ticks++) {
    reports.report();
    now.ms += reportEveryMs / 4;
  }
  assert.equal(published.length, 3);
});

test("a processor of which nothing changes is not asked for its state again", (t) => {
  const { now, published, reports } = startReports(t);
  for (let ticks = 0; ticks < 40; ticks++) {
    reports.report();
    now.ms += reportEveryMs / 4;
  }
  assert.equal(published.length, 10);
  const { asked } = now;
  now.ms += reportEveryMs;
  reports.report();
  assert.equal(now.asked, asked);
  // What is no news by itself is told with the next report.
  now.state = { ...now.state, reason: "a call has been under way for 10 s" };
  reports.report();
  now.ms += reportEveryMs;
  reports.report();
  assert.equal(published.at(-1)?.reason, now.state.reason);
});

test("a change is reported at once", (t) => {
  const { now, published, reports } = startReports(t);
  reports.report();
  now.state = { ...now.state, applied: 6, last: 6 };
  reports.report();
  now.state = { ...now.state, state: "down" };
  reports.report();
  reports.report();
  assert.deepEqual(
    published.map(({ state, applied }) => [state, applied]),
    [
      ["ready", 5],
      ["ready", 6],
      ["down", 6],
    ],
  );
});

test("after a rest another state is told with the next look at it, and so is that a paused processor has settled", (t) => {
  const { now, published, reports } = startReports(t);
  const look = (change: Partial<ProcessorState> = {}) => {
    now.state = { ...now.state, ...change };
    if (change.state) now.version++;
    now.ms += reportEveryMs / 4;
    reports.tick();
    return published.at(-1);
  };
  for (let looks = 0; looks < 8; looks++) look();
  assert.equal(look({ state: "rebuilding" })?.state, "rebuilding");
  for (let looks = 0; looks < 8; looks++) look();
  assert.equal(look({ state: "paused" })?.state, "paused");
  for (let looks = 0; looks < 8; looks++) look();
  assert.equal(look({ settled: true })?.settled, true);
});

test("while commands wait the log itself is asked where it ends, also where they are being applied", async (t) => {
  const { now, published, reports } = startReports(t, 40);
  for (const applied of [5, 6, 7]) {
    now.state = { ...now.state, state: "applying", applied, last: 10 };
    reports.report();
    now.ms += reportEveryMs;
    await new Promise(setImmediate);
  }
  assert.equal(published.at(-1)?.last, 40);
});

test("while a processor stays at a command the log itself is asked where it ends", async (t) => {
  const { now, published, reports } = startReports(t, 40);
  now.state = { ...now.state, state: "applying", last: 6 };
  reports.report();
  now.ms += reportEveryMs;
  reports.report();
  await new Promise(setImmediate);
  now.ms += reportEveryMs;
  reports.report();
  assert.deepEqual(
    published.map(({ last }) => last),
    [6, 6, 40],
  );
});
