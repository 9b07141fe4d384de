import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startGateway } from "../../fixtures/services.ts";
import { untilUsable } from "../../fixtures/system.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const leaseMs = 3_000;
let system: SystemHere;
let mortal: Service;

before(async () => {
  system = await startSystemHere({ workerEnv: { LEASE_MS: String(leaseMs) } });
  mortal = await startGateway({ natsUrl: system.nats.url });
  await untilUsable(mortal.url);
});
after(async () => {
  await mortal?.stop();
  await system?.stop();
});

test("a key whose gateway was killed is answered by another one, as soon as the truth is known", async () => {
  const under = (name: string) => ({ "idempotency-key": name, prefer: "wait=60" });
  const wanted: string[] = [];
  // Each client sends one after the other, so some requests are in every part of their way.
  const unanswered = new Set<string>();
  const dying = sendTo(mortal.url, 60_000);
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let count = 0; ; count++) {
      const name = `${client}.${count}`;
      unanswered.add(name);
      wanted.push(name);
      const answer = await dying("POST", "/p1/observe", { strings: [name] }, under(name)).catch(
        () => undefined,
      );
      if (answer?.status !== 200) return;
      unanswered.delete(name);
    }
  });
  await until("much is under way", () => wanted.length > 200);
  await mortal.kill();
  const killedAt = performance.now();
  await Promise.all(clients);
  assert.ok(unanswered.size > 0);
  const survivor = sendTo(system.gateway.url, 60_000);
  await Promise.all(
    [...unanswered].map((name) =>
      until(`${name} is answered`, async () => {
        const { status } = await survivor("POST", "/p1/observe", { strings: [name] }, under(name));
        assert.ok(status === 200 || status === 409, String(status));
        return status === 200;
      }),
    ),
  );
  const tookMs = performance.now() - killedAt;
  assert.ok(tookMs < leaseMs + 2_000, `${tookMs} ms`);
  const events = await eventsOf(survivor, "p1");
  assert.deepEqual(events.sort(), wanted.sort());
});
