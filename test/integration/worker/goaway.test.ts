import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { linesOfTexts, ndjson, texts, untilDone } from "../../fixtures/bulk.ts";
import type { GrpcProxy } from "../../fixtures/grpc-proxy.ts";
import { startGrpcProxy } from "../../fixtures/grpc-proxy.ts";
import { eventsOf, viewOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";

const callsPerConnection = 50;

let system: SystemHere;
let proxy: GrpcProxy;
let drains = 0;
before(async () => {
  let calls = 0;
  system = await startSystemHere({
    between: async (port) => {
      proxy = await startGrpcProxy(port, () => {
        if (++calls % callsPerConnection === 0) {
          drains++;
          proxy.drain();
        }
        return undefined;
      });
      return proxy.port;
    },
  });
});
after(async () => {
  await system?.stop();
  proxy?.stop();
});

test("a proxy that ends each connection after 50 requests does no harm (A2, A3)", async () => {
  const [inBulk, alone] = [texts(1_000), Array.from({ length: 50 }, (_, index) => `alone ${index}`)];
  const { status, headers } = await system.request("POST", "/p1/observations", linesOfTexts(inBulk), ndjson);
  assert.equal(status, 202);
  for (const text of alone) {
    const answer = await system.request("POST", "/p1/observe", { strings: [text] }, { prefer: "wait=30" });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.equal((await untilDone(system.request, String(headers.location))).failed, 0);
  assert.deepEqual(await eventsOf(system.request), [...inBulk, ...alone]);
  assert.ok(drains >= 20, String(drains));
  assert.equal((await viewOf(system.request)).degraded, undefined);
});
