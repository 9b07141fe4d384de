import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";

test("a probe has its line at the level debug while it succeeds, and at info when it does not", async () => {
  const lines: { level: number; path?: string }[] = [];
  const log = pino({ level: "debug" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const { send, close } = buildGatewayApp({ log });
  for (const path of ["/health", "/metrics", "/kato-api/ping", "/ready", "/p1/working-memory"]) {
    await send("GET", path);
  }
  await close();
  const levels = lines.flatMap(({ path, level }) => (path === undefined ? [] : [[path, level]]));
  assert.deepEqual(levels, [
    ["/health", 20],
    ["/metrics", 20],
    ["/kato-api/ping", 20],
    // Without NATS it is not ready.
    ["/ready", 30],
    ["/p1/working-memory", 30],
  ]);
});
