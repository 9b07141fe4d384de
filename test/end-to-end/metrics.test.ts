import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../fixtures/system.ts";
import { startSystem } from "../fixtures/system.ts";

let system: System;

before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

test("the gateway counts requests by processor, method and outcome, and unknown processors under none", async () => {
  await system.request("POST", "/p1/observe", { strings: ["a"] });
  await system.request("POST", "/p1/observe", { strings: [1] });
  await system.request("POST", "/nobody/observe", { strings: ["a"] });
  const { text } = await system.request("GET", "/metrics");
  const counts = [...text.matchAll(/^kato_http_request_seconds_count\{(.*observe.*)\} (\d+)$/gm)].map(
    ([, labels, count]) => `${labels} ${count}`,
  );
  assert.deepEqual(counts.sort(), [
    'processor="",method="POST /:id/observe",outcome="INVALID_INPUT" 1',
    'processor="",method="POST /:id/observe",outcome="PROCESSOR_NOT_FOUND" 1',
    'processor="p1",method="POST /:id/observe",outcome="okay" 1',
  ]);
});

test("the worker counts commands by processor, method and outcome, and tells depth and reachability", async () => {
  await system.request("POST", "/p1/learn");
  const text = await (await fetch(`${system.worker.url}/metrics`)).text();
  assert.match(text, /^kato_commands_total\{processor="p1",method="Learn",outcome="applied"\} 1$/m);
  assert.match(text, /^kato_queue_depth\{processor="p1"\} 0$/m);
  assert.match(text, /^kato_processor_up\{processor="p1"\} 1$/m);
});
