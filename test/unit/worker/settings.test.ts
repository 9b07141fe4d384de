import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { workerSettings } from "../../../services/worker/settings.ts";

test("how much of the log is kept is told in commands and in hours", () => {
  const { history } = workerSettings(new Environment({ LOG_HISTORY: "7", LOG_HISTORY_HOURS: "2" }));
  assert.deepEqual(history, { commands: 7, ageMs: 2 * 3_600_000 });
});
