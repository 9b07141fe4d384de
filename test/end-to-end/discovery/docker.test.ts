import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import {
  labelsOf,
  p1At,
  startDockerDiscovery,
  untilListed,
  untilP1At,
} from "../../fixtures/docker-discovery.ts";
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

test("events have a container registered, followed to another address, kept while it is stopped, and withdrawn when it is removed", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: never });
  const { docker, system } = discovery;
  await until("events are heard", () => docker.streams === 1);
  assert.match(
    system.discovery.output().split("\n")[0] ?? "",
    /"watching":\["containers of the Docker engine/,
  );

  const labels = labelsOf("p1", { "kato.processor.name": "P1", "kato.grpc.port": "1500" });
  docker.set("kato-1", { labels, networks: { fleet: "172.18.0.2" } });
  docker.set("kato-2", { labels: labelsOf("p2"), networks: { fleet: "172.18.0.3" } });
  await until("both are registered", () => system.registry.list().length === 2);
  assert.deepEqual(system.registry.list(), [
    { id: "p1", name: "P1", grpc_endpoint: "172.18.0.2:1500", source: "docker" },
    { id: "p2", name: "p2", grpc_endpoint: "172.18.0.3:1441", source: "docker" },
  ]);
  assert.deepEqual([await system.logs.last("p1"), await system.logs.last("p2")], [0, 0], "they have logs");

  await system.registry.setPaused("p1", true);
  docker.set("kato-1", { labels, networks: { fleet: "" }, state: "exited" });
  await untilListed(discovery, 1);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1500");
  docker.set("kato-1", { labels, networks: { fleet: "172.18.0.9" } });
  await untilP1At(discovery, "172.18.0.9:1500");
  assert.equal(system.registry.get("p1")?.paused, true);

  docker.remove("kato-1");
  await untilP1At(discovery, undefined);
  assert.equal(system.endpointOf("p2"), "172.18.0.3:1441");
  const { status, json } = await system.health();
  assert.deepEqual([status, json.status], [200, "healthy"]);
  assert.deepEqual([...new Set(docker.requests)].toSorted(), ["GET /containers/json", "GET /events"]);
  assert.equal(await system.discovery.stop(), "exit code 0");
});

test("what changes while the event stream is broken is seen as soon as there is another one", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { DISCOVERY_LIST_MS: never });
  const { docker } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
  docker.answer({ status: 503, body: "" });
  docker.dropEvents();
  const { length } = docker.requests;
  await until("events are asked for in vain", () => docker.requests.slice(length).includes("GET /events"));
  docker.set("kato-1", p1At("172.18.0.7"));
  docker.answer("right");
  await untilP1At(discovery, "172.18.0.7:1441");
});

test("without any event the regular lists find every change", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker } = discovery;
  await until("events are heard", () => docker.streams === 1);
  for (const ip of ["172.18.0.2", "172.18.0.3"]) {
    // An event stream that says nothing, as one through a proxy that holds it back.
    docker.set("kato-1", p1At(ip), "silently");
    await untilP1At(discovery, `${ip}:1441`);
  }
});

test("an engine that fails, however it fails, unregisters nothing, and each failure is logged once", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
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
    await untilListed(discovery);
    assert.equal(system.endpointOf("p1"), "172.18.0.2:1441", JSON.stringify(answer));
    docker.answer("right");
    await until("it is well again", async () => (await system.health()).status === 200);
  }
  await until("its last line is there", () => system.lines("can be listed again") === answers.length);
  assert.equal(system.lines("cannot be listed"), answers.length);
  // The same may be said of its events, which are another question.
  assert.equal(system.lines('500 {\\"message\\":\\"no\\"}","msg":"cannot be listed'), 1);
  docker.remove("kato-1");
  await untilP1At(discovery, undefined);
});

test("what is gone is kept for its time, which begins anew after a failure and when it was there again", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, {
    DISCOVERY_FORGET_MS: never,
    DISCOVERY_LIST_MS: "100",
  });
  const { docker, system } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
  docker.remove("kato-1");
  await until("it is missed", () => system.lines("is gone") === 1);
  docker.answer({ status: 500, body: "" });
  await until("it fails", () => system.lines("cannot be listed") === 1);
  docker.answer("right");
  await until("it is missed anew", () => system.lines("is gone") === 2);
  docker.set("kato-1", p1At("172.18.0.3"));
  await untilP1At(discovery, "172.18.0.3:1441");
  docker.remove("kato-1");
  await until("it is missed again", () => system.lines("is gone") === 3);
  await untilListed(discovery);
  assert.equal(system.endpointOf("p1"), "172.18.0.3:1441");
  await system.discovery.restart({ DISCOVERY_FORGET_MS: "500" });
  await untilP1At(discovery, undefined);
  await until("it is said", () => system.lines('"withdrawn"') === 1);
  const said = system.discovery.output();
  assert.ok(said.indexOf("is gone") < said.indexOf('"withdrawn"'), said);
});

test("a container that was removed while discovery was down is withdrawn when discovery runs again", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: never });
  const { docker, system } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
  await system.discovery.kill();
  docker.remove("kato-1");
  await system.discovery.restart();
  await untilP1At(discovery, undefined);
});

test("a container that is gone is kept while commands are queued for it", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
  const command = { id: randomUUID(), processor: "p1", method: "Observe", data: new Uint8Array() };
  const { sequence } = await system.logs.append(command);
  docker.remove("kato-1");
  await until("it is said", () => system.lines("p1: is gone, and kept because commands are queued") === 1);
  await untilListed(discovery);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1441");
  assert.equal(system.lines("commands are queued"), 1);
  await system.checkpoints.put("p1", JSON.stringify({ applied: sequence }));
  await untilP1At(discovery, undefined);
});

test("it stops cleanly while the engine does not answer", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  await until("events are heard", () => docker.streams === 1);
  docker.answer("never");
  await untilListed(discovery, 1);
  assert.equal(await system.discovery.stop(), "exit code 0");
});
