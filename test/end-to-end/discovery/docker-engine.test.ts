import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { DiscoverySystem } from "../../fixtures/discovery.ts";
import { startDiscoverySystem } from "../../fixtures/discovery.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import type { Service } from "../../fixtures/services.ts";
import { startGateway, startWorker } from "../../fixtures/services.ts";
import { until } from "../../fixtures/until.ts";

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run("docker", args)).stdout.trim();

/** Has a Node that runs this project, which is all that a simulated instance needs of it. */
const image = "node:24-bookworm-slim";
const network = `kato-discovery-${process.pid}`;
const root = resolve(import.meta.dirname, "../../..");

const skip = await docker("image", "inspect", "--format", "{{.Id}}", image).then(
  () => false as const,
  () => `no Docker engine answers here that has ${image}`,
);

let nats: TestNatsServer;
let system: DiscoverySystem;
const services: Service[] = [];
before(async () => {
  if (skip) return;
  nats = await startNats();
  await docker("network", "create", network);
  system = await startDiscoverySystem(nats, {
    DISCOVERY: "docker",
    DOCKER_NETWORK: network,
    DISCOVERY_LIST_MS: "3600000",
    DISCOVERY_FORGET_MS: "0",
  });
});
after(async () => {
  if (skip) return;
  for (const service of services) await service.stop();
  await system?.stop();
  for (const name of ["one", "two"]) await docker("rm", "-f", `${network}-${name}`);
  await docker("network", "rm", network);
  await nats?.stop();
});

/** Runs a simulated KATO in a container. */
const start = (name: string, id: string) =>
  docker(
    ...["run", "-d", "--name", `${network}-${name}`, "--network", network, "-v", `${root}:/kato:ro`],
    ...["--label", `kato.processor.id=${id}`, "-e", `MANIFEST={"id":"${id}"}`, "-e", "HOST=0.0.0.0"],
    ...[image, "node", "/kato/services/simulator/main.ts"],
  );
const addressOf = (name: string) =>
  docker(
    "inspect",
    "--format",
    `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
    `${network}-${name}`,
  );

test("containers of a real engine are used, followed when they restart with other addresses, and withdrawn when removed", {
  skip,
}, async () => {
  await start("one", "p1");
  await start("two", "p2");
  const isAt = async (id: string, name: string) => system.endpointOf(id) === `${await addressOf(name)}:1441`;
  await until("both are registered", async () => (await isAt("p1", "one")) && (await isAt("p2", "two")));

  // The networks that Docker makes.
  const env = { ENDPOINT_ALLOW: "172.16.0.0/12, 192.168.0.0/16, 10.0.0.0/8" };
  services.push(await startWorker({ natsUrl: nats.url, env }), await startGateway({ natsUrl: nats.url }));
  const send = sendTo(services[1]?.url ?? "");
  const observe = async (id: string, text: string) =>
    (await send("POST", `/${id}/observe`, { strings: [text] })).status;
  await until("both are used", async () => {
    const statuses = [await observe("p1", "of p1"), await observe("p2", "of p2")];
    return statuses.every((status) => status === 200);
  });

  // Started in the other order, each gets the address that the other one had.
  const before = system.registry.list().map((entry) => entry.grpc_endpoint);
  await docker("stop", "-t", "0", `${network}-one`, `${network}-two`);
  assert.equal(system.registry.list().length, 2, "what has only stopped keeps its entry");
  await docker("start", `${network}-two`);
  await docker("start", `${network}-one`);
  await until("both have moved", async () => (await isAt("p1", "one")) && (await isAt("p2", "two")));
  assert.deepEqual(
    system.registry.list().map((entry) => entry.grpc_endpoint),
    before.toReversed(),
  );
  await until("both are used again", async () => {
    const statuses = [await observe("p1", "of p1"), await observe("p2", "of p2")];
    return statuses.every((status) => status === 200);
  });
  for (const id of ["p1", "p2"]) {
    const { message } = (await send("GET", `/${id}/working-memory`)).json as { message: string[][] };
    assert.deepEqual([...new Set(message.flat())], [`of ${id}`], "nothing went to the other one");
  }

  await docker("rm", "-f", `${network}-two`);
  await until("it is withdrawn", () => system.endpointOf("p2") === undefined);
  assert.ok(await isAt("p1", "one"));
  assert.equal((await system.health()).status, 200);
});
