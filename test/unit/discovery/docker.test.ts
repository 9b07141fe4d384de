import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { selectEntries } from "../../../services/discovery/select-entries.ts";
import { dockerSource } from "../../../services/discovery/sources/docker.ts";

/** What is selected from an engine's answer. */
async function selected(t: TestContext, containers: unknown, network?: string) {
  const engine = createServer((_request, response) => response.end(JSON.stringify(containers)));
  engine.listen(0, "127.0.0.1");
  await once(engine, "listening");
  t.after(() => engine.close());
  const { port } = engine.address() as AddressInfo;
  const source = dockerSource({ address: { host: "127.0.0.1", port }, network });
  return selectEntries(await source.list(AbortSignal.timeout(5_000)), "docker");
}

const container = (id: string, more: object) => ({
  Id: id.repeat(12),
  Names: [`/${id}`],
  Created: 1_700_000_000,
  State: "running",
  Labels: { "kato.processor.id": id },
  ...more,
});
const networksOf = (Networks: unknown) => ({ NetworkSettings: { Networks } });
const good = container("good", networksOf({ bridge: { IPAddress: "10.0.0.1", GlobalIPv6Address: "" } }));

test("one odd container keeps no other from being registered, and is told", async (t) => {
  const odd = {
    nullNetworks: networksOf(null),
    noSettings: { NetworkSettings: null },
    noAddress: networksOf({ x: {} }),
    nullNetwork: networksOf({ x: null }),
    nullAddress: networksOf({ x: { IPAddress: null } }),
    numbers: networksOf({ x: { IPAddress: 7 } }),
    portWithProtocol: {
      ...networksOf({ bridge: { IPAddress: "10.0.0.2" } }),
      Labels: { "kato.processor.id": "portWithProtocol", "kato.grpc.port": "1441/tcp" },
    },
  };
  const { entries, problems, ids } = await selected(t, [
    ...Object.entries(odd).map(([id, more]) => container(id, more)),
    container("nameless", { Names: null, Created: null, ...networksOf(null) }),
    container("created", { State: "created", ...networksOf(null) }),
    good,
  ]);
  assert.deepEqual(
    entries.map(({ entry }) => [entry.id, entry.grpc_endpoint]),
    [["good", "10.0.0.1:1441"]],
  );
  const told = Object.keys(odd).map((id) => `container ${id}`);
  assert.deepEqual([...problems.keys()].sort(), [...told, "container namelessname"].sort());
  assert.match(problems.get("container nullNetworks") ?? "", /has no address of its own/);
  // None of them is gone, so none of their entries is withdrawn.
  assert.equal(ids.size, Object.keys(odd).length + 3);
});

test("a container without the network that counts is told, also where it has none", async (t) => {
  const containers = [good, container("none", networksOf(null))];
  const { entries, problems } = await selected(t, containers, "fleet");
  assert.equal(entries.length, 0);
  assert.equal(problems.get("container none"), "is not in the network fleet, but in none");
});

test("an answer that is no list of containers changes nothing", async (t) => {
  for (const answer of [null, {}, [7], [{ Id: "x" }]]) {
    await assert.rejects(selected(t, answer), /Docker's list of containers is none/, JSON.stringify(answer));
  }
});
