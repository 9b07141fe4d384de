import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import type { DiscoverySystem } from "../../fixtures/discovery.ts";
import { startDiscoverySystem } from "../../fixtures/discovery.ts";
import type { KubernetesApi } from "../../fixtures/kubernetes-api.ts";
import { startKubernetesApi } from "../../fixtures/kubernetes-api.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

/** So long that no test sees a list that nothing has brought forward. */
const never = "3600000";

let nats: TestNatsServer;
/** A cluster and discovery that several tests share. Each uses names of its own. */
let api: KubernetesApi;
let system: DiscoverySystem;
before(async () => {
  nats = await startNats();
  ({ api, system } = await start());
});
after(async () => {
  await system?.stop();
  await api?.stop();
  await nats?.stop();
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<{ api: KubernetesApi; system: DiscoverySystem }> {
  const api = await startKubernetesApi();
  const system = await startDiscoverySystem(nats, {
    DISCOVERY: "kubernetes",
    KUBECONFIG: api.kubeconfig,
    DISCOVERY_LIST_MS: never,
    DISCOVERY_FORGET_MS: "0",
    ...env,
  });
  await until("it watches", () => api.watches === 1);
  return { api, system };
}

/** Ones that only this test uses. */
async function startOwn(t: TestContext, env: NodeJS.ProcessEnv) {
  const own = await start(env);
  t.after(async () => {
    await own.system.stop();
    await own.api.stop();
  });
  return own;
}

const labelled = (id: string, more: Record<string, string> = {}) => ({
  labels: { "kato.processor.id": id, ...more },
});
const pod = (id: string, podIP: string) => ({ ...labelled(id), status: { phase: "Running", podIP } });
const untilAt = (at: DiscoverySystem, id: string, endpoint: string | undefined) =>
  until(`${id} is at ${endpoint}`, () => at.endpointOf(id) === endpoint);

test("Services are registered by label and annotation, changed and withdrawn as soon as the watch tells", async () => {
  assert.match(
    system.discovery.output().split("\n")[0] ?? "",
    /"watching":\["services in the namespace fleet of the Kubernetes cluster at http:/,
  );
  assert.equal(api.watchedFrom.at(-1), api.version, "it watches from the list on");
  api.set("services", "kato-1", {
    ...labelled("p1"),
    annotations: { "kato.processor.name": "Left eye", "kato.grpc.port": "1500" },
  });
  api.set("services", "kato-2", labelled("p2", { "kato.processor.name": "P2", "kato.grpc.port": "1600" }));
  api.set("services", "other", { labels: { app: "other" } });
  await until("both are registered", () => system.registry.list().length === 2);
  assert.deepEqual(system.registry.list(), [
    { id: "p1", name: "Left eye", grpc_endpoint: "kato-1.fleet.svc:1500", source: "kubernetes" },
    { id: "p2", name: "P2", grpc_endpoint: "kato-2.fleet.svc:1600", source: "kubernetes" },
  ]);
  api.set("services", "kato-1", labelled("p1"));
  await untilAt(system, "p1", "kato-1.fleet.svc:1441");
  api.remove("services", "kato-1");
  await untilAt(system, "p1", undefined);
  assert.equal(system.endpointOf("p2"), "kato-2.fleet.svc:1600");
  assert.equal((await system.health()).status, 200);
});

for (const ending of ["broken", "ended"] as const) {
  test(`a watch that was ${ending} goes on where it was, also after a bookmark, and misses nothing`, async () => {
    api.bookmark();
    const { version } = api;
    // What was sent is read before the connection breaks.
    api.set("services", `${ending}-1`, labelled(`${ending}-1`));
    await untilAt(system, `${ending}-1`, `${ending}-1.fleet.svc:1441`);
    api.dropWatches(ending);
    await until("it is over", () => api.watches === 0);
    api.set("services", `${ending}-2`, labelled(`${ending}-2`));
    await untilAt(system, `${ending}-2`, `${ending}-2.fleet.svc:1441`);
    assert.ok(Number(api.watchedFrom.at(-1)) > Number(version), String(api.watchedFrom));
    assert.equal(system.lines("changes are seen only at the next list"), 0);
  });
}

test("a bookmark alone moves on where a watch begins again", async () => {
  api.bookmark();
  // Until the bookmark is read, a watch may begin at the version before.
  await until("a watch begins at the bookmark", () => {
    api.dropWatches("ended");
    return api.watchedFrom.at(-1) === api.version;
  });
});

for (const told of ["status", "event"] as const) {
  const name = `gone-${told}`;
  test(`versions that are gone, told by ${told}, bring a new list and a watch from there`, async () => {
    api.set("services", name, labelled(name));
    await untilAt(system, name, `${name}.fleet.svc:1441`);
    const { lists } = api;
    const begun = api.watchedFrom.length;
    api.forget(told);
    if (told === "status") api.dropWatches("ended");
    await until("it was listed anew", () => api.lists > lists);
    // A watch that begins before the list has come begins with all that there is.
    await until("it watches from a version that is known", () =>
      api.watchedFrom.slice(begun).some((from) => from === undefined || from === api.version),
    );
    api.set("services", name, labelled(name, { "kato.grpc.port": "1600" }));
    await untilAt(system, name, `${name}.fleet.svc:1600`);
    assert.equal(system.lines("changes are seen only at the next list"), 0);
  });
}

test("it stops cleanly while it watches", async () => {
  assert.equal(await system.discovery.stop(), "exit code 0");
  await system.stop();
});

test("Pods are called at their address while they run; of two that run the older one counts", async (t) => {
  const { api, system } = await startOwn(t, { KUBERNETES_KIND: "pods" });
  api.set("pods", "kato-0", { ...labelled("p1"), status: { phase: "Pending" } });
  api.set("pods", "six", pod("p6", "fd00::7"));
  await untilAt(system, "p6", "[fd00::7]:1441");
  assert.equal(system.endpointOf("p1"), undefined);
  api.set("pods", "kato-0", pod("p1", "10.0.0.5"));
  await untilAt(system, "p1", "10.0.0.5:1441");
  api.set("pods", "kato-1", { ...pod("p1", "10.0.0.6"), created: "2026-11-23T13:00:00Z" });
  const said = "pods/fleet/kato-1: has the id p1, as has pods/fleet/kato-0";
  await until(said, () => system.lines(said) === 1);
  assert.equal(system.endpointOf("p1"), "10.0.0.5:1441");
  api.set("pods", "kato-0", { ...pod("p1", "10.0.0.5"), deleted: "2026-11-23T14:00:00Z" });
  await untilAt(system, "p1", "10.0.0.6:1441");
  const { lists } = api;
  api.set("pods", "kato-1", { ...labelled("p1"), status: { phase: "Failed" } });
  await until("it was listed", () => api.lists > lists);
  assert.equal(system.endpointOf("p1"), "10.0.0.6:1441", "what has only ended keeps its entry");
});

test("a cluster that fails unregisters nothing, and what changed meanwhile is found afterwards", async (t) => {
  const { api, system } = await startOwn(t, { DISCOVERY_LIST_MS: "100" });
  api.set("services", "kato-1", labelled("p1"));
  api.set("services", "kato-2", labelled("p2"));
  await untilAt(system, "p2", "kato-2.fleet.svc:1441");
  const answers = [
    { status: 403, reason: "Forbidden" },
    { status: 500, reason: "InternalError" },
    { status: 410, reason: "Expired" },
  ];
  for (const answer of answers) {
    const { lists } = api;
    api.answer(answer);
    api.dropWatches("broken");
    const said = `listing services of Kubernetes: ${answer.status} the test says ${answer.reason}`;
    await until(said, () => system.lines(said) === 1);
    await until("it is listed in vain", () => api.lists >= lists + 3);
    assert.equal(system.lines(said), 1);
    assert.deepEqual(
      [system.endpointOf("p1"), (await system.health()).status],
      ["kato-1.fleet.svc:1441", 503],
    );
    api.answer("right");
    await until("it is well again", async () => (await system.health()).status === 200);
  }
  api.answer({ status: 500, reason: "InternalError" });
  api.remove("services", "kato-1");
  api.answer("right");
  await untilAt(system, "p1", undefined);
  assert.equal(system.endpointOf("p2"), "kato-2.fleet.svc:1441");
});

test("it stops cleanly while the cluster does not answer", async (t) => {
  const { api, system } = await startOwn(t, { DISCOVERY_LIST_MS: "100" });
  api.answer("never");
  api.dropWatches("broken");
  const { lists } = api;
  await until("it is listed in vain", () => api.lists > lists);
  assert.equal(await system.discovery.stop(), "exit code 0");
});
