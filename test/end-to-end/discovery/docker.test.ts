import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import type { DiscoverySystem } from "../../fixtures/discovery.ts";
import { startDiscoverySystem } from "../../fixtures/discovery.ts";
import type { DockerApi } from "../../fixtures/docker-api.ts";
import { startDockerApi } from "../../fixtures/docker-api.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
before(async () => {
  nats = await startNats();
});
after(() => nats?.stop());

/** So long that no test sees a list that nothing has brought forward. */
const never = "3600000";
/** Everything is withdrawn at the first list that does not have it. */
const atOnce = { DISCOVERY_FORGET_MS: "0" };

async function start(
  t: TestContext,
  env: NodeJS.ProcessEnv,
): Promise<{ docker: DockerApi; system: DiscoverySystem }> {
  const docker = await startDockerApi();
  const system = await startDiscoverySystem(nats, { DISCOVERY: "docker", DOCKER_HOST: docker.url, ...env });
  t.after(async () => {
    await system.stop();
    await docker.stop();
  });
  return { docker, system };
}

const labelsOf = (id: string, more: Record<string, string> = {}) => ({ "kato.processor.id": id, ...more });
const inFleet = (ip: string) => ({ fleet: ip });
const p1 = (ip: string) => ({ labels: labelsOf("p1"), networks: inFleet(ip) });
const until1 = (system: DiscoverySystem, endpoint: string | undefined) =>
  until(`p1 is at ${endpoint}`, () => system.endpointOf("p1") === endpoint);
/** Resolves once discovery has asked for some more lists. */
const untilListed = (docker: DockerApi, more = 3) => {
  const { lists } = docker;
  return until("it was listed", () => docker.lists >= lists + more);
};

test("events have a container registered, followed to another address, kept while it is stopped, and withdrawn when it is removed", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: never });
  await until("events are heard", () => docker.streams === 1);
  assert.match(
    system.discovery.output().split("\n")[0] ?? "",
    /"watching":\["containers of the Docker engine/,
  );

  const labels = labelsOf("p1", { "kato.processor.name": "P1", "kato.grpc.port": "1500" });
  docker.set("kato-1", { labels, networks: inFleet("172.18.0.2") });
  docker.set("kato-2", { labels: labelsOf("p2"), networks: inFleet("172.18.0.3") });
  await until("both are registered", () => system.registry.list().length === 2);
  assert.deepEqual(system.registry.list(), [
    { id: "p1", name: "P1", grpc_endpoint: "172.18.0.2:1500", source: "docker" },
    { id: "p2", name: "p2", grpc_endpoint: "172.18.0.3:1441", source: "docker" },
  ]);
  assert.deepEqual([await system.logs.last("p1"), await system.logs.last("p2")], [0, 0], "they have logs");

  await system.registry.setPaused("p1", true);
  docker.set("kato-1", { labels, networks: inFleet(""), state: "exited" });
  await untilListed(docker, 1);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1500");
  docker.set("kato-1", { labels, networks: inFleet("172.18.0.9") });
  await until1(system, "172.18.0.9:1500");
  assert.equal(system.registry.get("p1")?.paused, true);

  docker.remove("kato-1");
  await until1(system, undefined);
  assert.equal(system.endpointOf("p2"), "172.18.0.3:1441");
  const { status, json } = await system.health();
  assert.deepEqual([status, json.status], [200, "healthy"]);
  assert.deepEqual([...new Set(docker.requests)].toSorted(), ["GET /containers/json", "GET /events"]);
  assert.equal(await system.discovery.stop(), "exit code 0");
});

test("what changes while the event stream is broken is seen as soon as there is another one", async (t) => {
  const { docker, system } = await start(t, { DISCOVERY_LIST_MS: never });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  docker.answer({ status: 503, body: "" });
  docker.dropEvents();
  const { length } = docker.requests;
  await until("events are asked for in vain", () => docker.requests.slice(length).includes("GET /events"));
  docker.set("kato-1", p1("172.18.0.7"));
  docker.answer("right");
  await until1(system, "172.18.0.7:1441");
});

test("without any event the regular lists find every change", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  await until("events are heard", () => docker.streams === 1);
  for (const ip of ["172.18.0.2", "172.18.0.3"]) {
    // An event stream that says nothing, as one through a proxy that holds it back.
    docker.set("kato-1", p1(ip), "silently");
    await until1(system, `${ip}:1441`);
  }
});

test("an engine that fails, however it fails, unregisters nothing, and each failure is logged once", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  const answers = [
    { status: 500, body: '{"message":"no"}' },
    { status: 403, body: "<html>forbidden by the proxy</html>" },
    { status: 200, body: "" },
    { status: 200, body: "{}" },
    { status: 200, body: '[{"Id":"x","Names":[],"Created":1,"State":"exited","Labels":{}}]' },
    { status: 200, body: '[{"Id":' },
  ];
  for (const answer of answers) {
    docker.answer(answer);
    await until("its failure is seen", async () => (await system.health()).status === 503);
    await untilListed(docker);
    assert.equal(system.endpointOf("p1"), "172.18.0.2:1441", JSON.stringify(answer));
    docker.answer("right");
    await until("it is well again", async () => (await system.health()).status === 200);
  }
  await until("its last line is there", () => system.lines("can be listed again") === answers.length);
  assert.equal(system.lines("cannot be listed"), answers.length);
  assert.equal(system.lines('500 {\\"message\\":\\"no\\"}'), 1);
  docker.remove("kato-1");
  await until1(system, undefined);
});

test("what is gone is kept for its time, which begins anew after a failure and when it was there again", async (t) => {
  const { docker, system } = await start(t, { DISCOVERY_FORGET_MS: never, DISCOVERY_LIST_MS: "100" });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  docker.remove("kato-1");
  await until("it is missed", () => system.lines("is gone") === 1);
  docker.answer({ status: 500, body: "" });
  await until("it fails", () => system.lines("cannot be listed") === 1);
  docker.answer("right");
  await until("it is missed anew", () => system.lines("is gone") === 2);
  docker.set("kato-1", p1("172.18.0.3"));
  await until1(system, "172.18.0.3:1441");
  docker.remove("kato-1");
  await until("it is missed again", () => system.lines("is gone") === 3);
  await untilListed(docker);
  assert.equal(system.endpointOf("p1"), "172.18.0.3:1441");
  await system.discovery.restart({ DISCOVERY_FORGET_MS: "500" });
  await until1(system, undefined);
  await until("it is said", () => system.lines('"withdrawn"') === 1);
  const said = system.discovery.output();
  assert.ok(said.indexOf("is gone") < said.indexOf('"withdrawn"'), said);
});

test("a container that was removed while discovery was down is withdrawn when discovery runs again", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: never });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  await system.discovery.kill();
  docker.remove("kato-1");
  await system.discovery.restart();
  await until1(system, undefined);
});

test("a container that is gone is kept while commands are queued for it", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  const command = { id: randomUUID(), processor: "p1", method: "Observe", data: new Uint8Array() };
  const { sequence } = await system.logs.append(command);
  docker.remove("kato-1");
  await until("it is said", () => system.lines("p1: is gone, and kept because commands are queued") === 1);
  await untilListed(docker);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1441");
  assert.equal(system.lines("commands are queued"), 1);
  await system.checkpoints.put("p1", JSON.stringify({ applied: sequence }));
  await until1(system, undefined);
});

test("a wrong label is logged once, and again when it has changed; the entry that was there stays", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  docker.set("kato-1", p1("172.18.0.2"));
  await until1(system, "172.18.0.2:1441");
  docker.set("kato-2", { labels: labelsOf("p 2"), networks: inFleet("172.18.0.3") });
  const withPort = (port: string) => ({
    labels: labelsOf("p1", { "kato.grpc.port": port }),
    networks: inFleet("172.18.0.2"),
  });
  docker.set("kato-1", withPort("x"));
  await until("both are said", () => system.lines("kato-2:") + system.lines("kato-1:") === 2);
  await untilListed(docker);
  assert.deepEqual([system.lines('\\"p 2\\" is not a processor id'), system.lines("172.18.0.2:x")], [1, 1]);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1441");
  docker.set("kato-1", withPort("0"));
  await until("it is said anew", () => system.lines("172.18.0.2:0") === 1);
  docker.set("kato-1", withPort("1600"));
  await until1(system, "172.18.0.2:1600");
  assert.equal(system.registry.list().length, 1);
});

test("of two containers that run with one id the older one counts, and this is logged once", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  docker.set("a-younger", { ...p1("172.18.0.3"), created: 2_000 });
  await until1(system, "172.18.0.3:1441");
  docker.set("older", { ...p1("172.18.0.2"), created: 1_000 });
  await until1(system, "172.18.0.2:1441");
  await untilListed(docker);
  const said = "container a-younger: has the id p1, as has container older";
  await until("it is said", () => system.lines(said) === 1);
  await untilListed(docker);
  assert.equal(system.lines(said), 1);
  docker.set("older", { ...p1(""), created: 1_000, state: "exited" });
  await until1(system, "172.18.0.3:1441");
  docker.remove("a-younger");
  await untilListed(docker);
  assert.equal(system.endpointOf("p1"), "172.18.0.3:1441", "the stopped one keeps it");
});

test("an entry that was registered over REST stays as it is", async (t) => {
  const { docker, system } = await start(t, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const entry = { id: "p1", name: "mine", grpc_endpoint: "kato.example:1441", source: "rest" as const };
  await system.registry.put(entry);
  docker.set("kato-1", p1("172.18.0.2"));
  await until("it is said", () => system.lines("p1 is registered by rest, which counts more") === 1);
  docker.remove("kato-1");
  await untilListed(docker);
  assert.deepEqual(system.registry.get("p1"), entry);
  assert.equal(system.lines("registered by rest"), 1);
});

for (const [network, registered, said] of [
  ["fleet", "172.18.0.2:1441", ["kato-2: is not in the network fleet, but in other"]],
  ["other", "172.19.0.2:1441", ["kato-3: is not in the network other, but in host"]],
  [
    "",
    undefined,
    [
      "kato-1: is in several networks (fleet, other): DOCKER_NETWORK",
      "kato-3: has no address of its own in the network host",
    ],
  ],
] as const) {
  test(`with ${network || "no"} network set: ${said.join("; ")}`, async (t) => {
    const { docker, system } = await start(t, { DOCKER_NETWORK: network, DISCOVERY_LIST_MS: "100" });
    docker.set("kato-1", { labels: labelsOf("p1"), networks: { fleet: "172.18.0.2", other: "172.19.0.2" } });
    docker.set("kato-2", { labels: labelsOf("p2"), networks: { other: "172.19.0.3" } });
    docker.set("kato-3", { labels: labelsOf("p3"), networks: { host: "" } });
    for (const line of said) await until(line, () => system.lines(line) === 1);
    await untilListed(docker);
    for (const line of said) assert.equal(system.lines(line), 1, line);
    assert.equal(system.endpointOf("p1"), registered);
    assert.equal(system.endpointOf("p2"), network === "fleet" ? undefined : "172.19.0.3:1441");
    assert.equal(system.endpointOf("p3"), undefined);
  });
}

test("it stops cleanly while the engine does not answer", async (t) => {
  const { docker, system } = await start(t, { DISCOVERY_LIST_MS: "100" });
  await until("events are heard", () => docker.streams === 1);
  docker.answer("never");
  await untilListed(docker, 1);
  assert.equal(await system.discovery.stop(), "exit code 0");
});
