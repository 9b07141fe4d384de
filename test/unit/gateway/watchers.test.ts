import assert from "node:assert/strict";
import { test } from "node:test";
import type { IngestionView } from "../../../services/gateway/routes/ingestions/ingestion-view.ts";
import { IngestionWatchers } from "../../../services/gateway/routes/ingestions/watchers.ts";

const view = (applied: number): IngestionView => ({
  ingestion: "i",
  processor: "p1",
  state: applied === 3 ? "done" : "applying",
  intake: "complete",
  accepted: 3,
  applied,
  failed: 0,
  unknown: 0,
  lost: 0,
  queued: 0,
  rate: 0,
  eta_seconds: null,
  first_sequence: 1,
  last_sequence: 3,
  rejected: [],
  created_at: "2026-01-01T00:00:00.000Z",
});

test("however many listen to one ingestion, it is looked at once for all, and each is told all", async () => {
  let looks = 0;
  const watchers = new IngestionWatchers({
    look: async () => view(Math.min(3, ++looks)),
    appliedOf: () => looks,
  });
  const { signal } = new AbortController();
  const told = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const applied: number[] = [];
      for await (const { applied: now } of watchers.follow(view(0), signal, 60_000)) applied.push(now);
      return applied;
    }),
  );
  assert.equal(looks, 3);
  for (const each of told) assert.deepEqual(each, [0, 1, 2, 3]);
});

test("an ingestion that does not change is looked at less and less, and at once when its processor goes on", async () => {
  let looks = 0;
  let applied = 0;
  const watchers = new IngestionWatchers({
    look: async () => {
      looks++;
      return view(applied);
    },
    appliedOf: () => applied,
  });
  const { signal } = new AbortController();
  setTimeout(() => {
    applied = 3;
  }, 2_000);
  const startedAt = performance.now();
  for await (const { state } of watchers.follow(view(0), signal, 60_000)) {
    if (state === "done") break;
  }
  assert.ok(looks <= 5, `${looks} looks`);
  assert.ok(performance.now() - startedAt < 10_000);
});

test("who goes away is forgotten, and nobody is looked at for nobody", async () => {
  let looks = 0;
  const watchers = new IngestionWatchers({
    look: async () => view(looks++ % 2),
    appliedOf: () => 0,
  });
  const gone = new AbortController();
  const listening = (async () => {
    for await (const { applied } of watchers.follow(view(0), gone.signal, 60_000))
      if (applied > 0) gone.abort();
  })();
  await listening;
  const before = looks;
  // Another watch begins anew, which shows that the first one has ended.
  const second = new AbortController();
  for await (const _ of watchers.follow(view(0), second.signal, 600)) if (looks > before) second.abort();
  assert.ok(looks <= before + 3);
});
