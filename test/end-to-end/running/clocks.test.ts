import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf, untilState } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";
import { whyNoReplicas } from "../../fixtures/why-no-replicas.ts";

const hour = 3_600_000;

let system: System;
before(async () => {
  system = await startSystem({ gatewayEnv: { QUEUE_MAX_AGE_MS: "600000" } });
});
after(() => system?.stop());

/** Starts a service again on a machine whose clock is that far ahead. */
const restart = (service: Service, aheadMs: number) => {
  const script = `const Real=Date;globalThis.Date=class extends Real{
    constructor(...parts){parts.length?super(...parts):super(Real.now()+(${aheadMs}))}
    static now(){return Real.now()+(${aheadMs})}}`;
  return service.restart({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` });
};

async function skewOf(service: Service): Promise<number> {
  const { text } = await sendTo(service.url)("GET", "/metrics");
  return Number(/^kato_clock_skew_seconds (\S+)$/m.exec(text)?.[1]);
}

for (const { about, worker, gateway } of [
  { about: "the worker's clock is an hour ahead, and the gateway's behind", worker: hour, gateway: -hour },
  { about: "the clock of NATS is an hour ahead of both", worker: -hour, gateway: -hour },
]) {
  test(`commands that clients wait for are applied while ${about}`, async () => {
    await Promise.all([restart(system.worker, worker), restart(system.gateway, gateway)]);
    await until("the gateway is ready", async () => (await system.request("GET", "/ready")).status === 200);
    await untilState(system.request, "p1", "ready");
    await system.succeed("POST", "/p1/clear-working-memory");
    for (const text of ["a", "b"]) {
      const headers = { prefer: "wait=5", "idempotency-key": `${about} ${text}` };
      const answer = await system.request("POST", "/p1/observe", { strings: [text] }, headers);
      assert.equal(answer.status, 200, answer.text);
    }
    assert.deepEqual(await eventsOf(system.request), ["a", "b"]);
    // What waits is not thought to have waited for an hour.
    await system.succeed("POST", "/processors/p1/pause");
    await untilState(system.request, "p1", "paused");
    const later = await system.request("POST", "/p1/learn", undefined, { prefer: "respond-async" });
    assert.equal(later.status, 202);
    await until(
      "it is seen to wait",
      async () => {
        const { json } = await system.request("GET", "/processors/p1");
        if (json.depth !== 1 || Number(json.oldest_seconds) >= 60) throw new Error(JSON.stringify(json));
        return true;
      },
      5_000,
    );
    const second = await system.request("POST", "/p1/learn", undefined, { prefer: "respond-async" });
    assert.equal(second.status, 202, second.text);
    await system.succeed("POST", "/processors/p1/resume");
    await untilState(system.request, "p1", "ready");

    assert.ok(Math.abs((await skewOf(system.worker)) - worker / 1_000) < 5);
    assert.equal(/clock differs/.test(system.worker.output()), true);
    // NATS tells gateways the time from 2.10 on.
    const isTold = whyNoReplicas() === false;
    assert.ok(Math.abs((await skewOf(system.gateway)) - (isTold ? gateway / 1_000 : 0)) < 5);
    assert.equal(/clock differs/.test(system.gateway.output()), isTold);
  });
}
