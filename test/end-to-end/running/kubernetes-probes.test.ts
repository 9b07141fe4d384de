import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { V1Probe } from "@kubernetes/client-node";
import { sendTo } from "../../fixtures/http-client.ts";
import { containersOf, render, workloadsIn } from "../../fixtures/kubernetes-manifests.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import type { Service } from "../../fixtures/services.ts";
import { startDiscovery } from "../../fixtures/services.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import { startGatewayHere, startWorkerHere } from "../../fixtures/services-here.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
const services: Record<string, Service | ServiceHere> = {};
before(async () => {
  nats = await startNats();
  const natsUrl = nats.url;
  const nowhere = { DISCOVERY: "docker", DOCKER_HOST: "tcp://127.0.0.1:1" };
  services.gateway = await startGatewayHere({ natsUrl });
  services.worker = await startWorkerHere({ natsUrl });
  services.discovery = await startDiscovery({ env: { ...nowhere, GATEWAY_URL: services.gateway.url } });
});
after(async () => {
  for (const service of [...Object.values(services), nats]) await service?.stop();
});

const containers = workloadsIn(render("deploy/kubernetes/base")).flatMap(containersOf);

/** What the kubelet would be answered: anything from 200 to 399 is well. */
async function ask(name: string, probe: V1Probe | undefined): Promise<number> {
  const path = probe?.httpGet?.path;
  const service = services[name];
  assert.ok(path && service, name);
  return (await sendTo(service.url)("GET", path)).status;
}

test("the probes of the manifests are answered, and an outage of NATS restarts nobody", async () => {
  assert.deepEqual(containers.map(({ name }) => name).sort(), Object.keys(services).sort());
  for (const { name, startupProbe, readinessProbe, livenessProbe } of containers) {
    if (startupProbe) assert.equal(await ask(name, startupProbe), 200, name);
    if (livenessProbe) assert.equal(await ask(name, livenessProbe), 200, name);
    // Discovery is not ready without a source.
    const ready = name === "discovery" ? 503 : 200;
    await until(`${name} is ready`, async () => (await ask(name, readinessProbe)) === ready);
  }
  await nats.kill();
  for (const { name, readinessProbe, livenessProbe } of containers) {
    await until(`${name} is not ready`, async () => (await ask(name, readinessProbe)) === 503);
    if (livenessProbe) assert.equal(await ask(name, livenessProbe), 200, name);
  }
});
