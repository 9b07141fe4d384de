import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem, untilUsable } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

const leaseMs = 3_000;
const rounds = 1;
let system: System;

before(async () => {
  system = await startSystem({ gateways: 2, workerEnv: { LEASE_MS: String(leaseMs) } });
});
after(() => system?.stop());

test("a key whose gateway was killed is answered by another one, as soon as the truth is known", async () => {
  const [first, second] = system.gateways;
  assert.ok(first && second);
  const wanted: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const under = (name: string) => ({ "idempotency-key": name, prefer: "wait=60" });
    // Each client sends one after the other, so some requests are in every part of their way.
    const unanswered = new Map<string, string>();
    const dying = sendTo(first.url, 60_000);
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let count = 0; ; count++) {
        const name = `${round}.${client}.${count}`;
        unanswered.set(name, name);
        wanted.push(name);
        const answer = await dying("POST", "/p1/observe", { strings: [name] }, under(name)).catch(
          () => undefined,
        );
        if (answer?.status !== 200) return;
        unanswered.delete(name);
      }
    });
    await until("much is under way", () => wanted.length > 200 * (round + 1));
    await first.kill();
    const killedAt = performance.now();
    await Promise.all(clients);
    assert.ok(unanswered.size > 0);
    const survivor = sendTo(second.url, 60_000);
    await Promise.all(
      [...unanswered.keys()].map((name) =>
        until(`${name} is answered`, async () => {
          const { status } = await survivor("POST", "/p1/observe", { strings: [name] }, under(name));
          assert.ok(status === 200 || status === 409, String(status));
          return status === 200;
        }),
      ),
    );
    const tookMs = performance.now() - killedAt;
    assert.ok(tookMs < leaseMs + 2_000, `${tookMs} ms`);
    await first.restart();
    await untilUsable(first.url);
  }
  const events = await eventsOf(sendTo(second.url), "p1");
  assert.deepEqual(events.flat().sort(), wanted.sort());
});
