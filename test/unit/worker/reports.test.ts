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
  const now = { ms: 10_000, state: { ...ready } };
  t.mock.method(performance, "now", () => now.ms);
  const published: ProcessorState[] = [];
  const connection = {
    publish: (_subject: string, text: unknown) => {
      published.push(JSON.parse(String(text)));
    },
  };
  const reports = new Reports(
    connection,
    () => ({ ...now.state }),
    async () => end,
  );
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
