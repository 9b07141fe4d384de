import assert from "node:assert/strict";
import { test } from "node:test";
import { AwakeClock } from "../../../services/gateway/fleet/awake-clock.ts";
import { until } from "../../fixtures/until.ts";

test("the clock goes while the process runs, and not while it stands still", async (t) => {
  const clock = new AwakeClock();
  t.after(() => clock.close());
  await until("half a second has passed", () => clock.nowMs > 500);
  const before = clock.nowMs;
  const over = performance.now() + 1_500;
  while (performance.now() < over);
  assert.ok(clock.nowMs - before <= 500);
  await new Promise(setImmediate);
  // It may have ticked since, and the time before and after that counts.
  assert.ok(clock.nowMs - before < 1_100);
});
