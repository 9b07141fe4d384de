import assert from "node:assert/strict";
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

/** Everything is withdrawn at the first list that does not have it. */
const atOnce = { DISCOVERY_FORGET_MS: "0" };

test("a wrong label is logged once, and again when it has changed; the entry that was there stays", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  docker.set("kato-1", p1At("172.18.0.2"));
  await untilP1At(discovery, "172.18.0.2:1441");
  docker.set("kato-2", { labels: labelsOf("p 2"), networks: { fleet: "172.18.0.3" } });
  const withPort = (port: string) => ({
    labels: labelsOf("p1", { "kato.grpc.port": port }),
    networks: { fleet: "172.18.0.2" },
  });
  docker.set("kato-1", withPort("x"));
  await until("both are said", () => system.lines("kato-2:") + system.lines("kato-1:") === 2);
  await untilListed(discovery);
  assert.deepEqual([system.lines('\\"p 2\\" is not a processor id'), system.lines("172.18.0.2:x")], [1, 1]);
  assert.equal(system.endpointOf("p1"), "172.18.0.2:1441");
  docker.set("kato-1", withPort("0"));
  await until("it is said anew", () => system.lines("172.18.0.2:0") === 1);
  docker.set("kato-1", withPort("1600"));
  await untilP1At(discovery, "172.18.0.2:1600");
  assert.equal(system.registry.list().length, 1);
});

test("of two containers that run with one id the older one counts, and this is logged once", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  docker.set("a-younger", { ...p1At("172.18.0.3"), created: 2_000 });
  await untilP1At(discovery, "172.18.0.3:1441");
  docker.set("older", { ...p1At("172.18.0.2"), created: 1_000 });
  await untilP1At(discovery, "172.18.0.2:1441");
  await untilListed(discovery);
  const said = "container a-younger: has the id p1, as has container older";
  await until("it is said", () => system.lines(said) === 1);
  await untilListed(discovery);
  assert.equal(system.lines(said), 1);
  docker.set("older", { ...p1At(""), created: 1_000, state: "exited" });
  await untilP1At(discovery, "172.18.0.3:1441");
  docker.remove("a-younger");
  await untilListed(discovery);
  assert.equal(system.endpointOf("p1"), "172.18.0.3:1441", "the stopped one keeps it");
});

test("an entry that was registered over REST stays as it is", async (t) => {
  const discovery = await startDockerDiscovery(t, nats, { ...atOnce, DISCOVERY_LIST_MS: "100" });
  const { docker, system } = discovery;
  const entry = { id: "p1", name: "mine", grpc_endpoint: "kato.example:1441", source: "rest" as const };
  await system.registry.put(entry);
  docker.set("kato-1", p1At("172.18.0.2"));
  await until("it is said", () => system.lines("p1 is registered by rest, which counts more") === 1);
  docker.remove("kato-1");
  await untilListed(discovery);
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
    const discovery = await startDockerDiscovery(t, nats, {
      DOCKER_NETWORK: network,
      DISCOVERY_LIST_MS: "100",
    });
    const { docker, system } = discovery;
    docker.set("kato-1", { labels: labelsOf("p1"), networks: { fleet: "172.18.0.2", other: "172.19.0.2" } });
    docker.set("kato-2", { labels: labelsOf("p2"), networks: { other: "172.19.0.3" } });
    docker.set("kato-3", { labels: labelsOf("p3"), networks: { host: "" } });
    for (const line of said) await until(line, () => system.lines(line) === 1);
    await untilListed(discovery);
    for (const line of said) assert.equal(system.lines(line), 1, line);
    assert.equal(system.endpointOf("p1"), registered);
    assert.equal(system.endpointOf("p2"), network === "fleet" ? undefined : "172.19.0.3:1441");
    assert.equal(system.endpointOf("p3"), undefined);
  });
}
