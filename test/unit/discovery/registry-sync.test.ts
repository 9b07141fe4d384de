import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { pino } from "pino";
import type { GatewayClientOptions } from "../../../services/discovery/gateway-client.ts";
import { GatewayClient } from "../../../services/discovery/gateway-client.ts";
import { RegistrySync } from "../../../services/discovery/registry-sync.ts";
import type { DiscoveredInstance } from "../../../services/discovery/sources/source.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

/** What a gateway answers, for as long as a test wants it. */
type Odd = (method: string, path: string) => { status: number; body: string } | undefined;

/** Stands in for a gateway. `entries` is its registry. */
async function startGateway(t: TestContext) {
  const entries = new Map<string, { id: string; name: string; endpoint: string; source: string }>();
  const requests: string[] = [];
  const keys = new Set<string | undefined>();
  let odd: Odd = () => undefined;
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(`http://gateway${request.url}`);
    const [, , id = ""] = pathname.split("/");
    const method = request.method ?? "";
    requests.push(`${method} ${pathname}`);
    keys.add(request.headers.authorization);
    const answer = odd(method, pathname);
    if (answer) {
      response.writeHead(answer.status).end(answer.body);
      return;
    }
    if (method === "PUT") {
      const { name, grpc_endpoint, source } = (await json(request)) as Record<string, string>;
      entries.set(id, { id, name: name ?? "", endpoint: grpc_endpoint ?? "", source: source ?? "rest" });
    } else if (method === "DELETE" && entries.get(id)?.source === searchParams.get("source")) {
      entries.delete(id);
    }
    response.end(JSON.stringify({ processors: [...entries.values()] }));
  });
  const listen = async (port = 0) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const port = await listen();
  const stop = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.after(stop);
  return {
    url: `http://127.0.0.1:${port}`,
    entries,
    requests,
    keys,
    stop,
    startAgain: () => listen(port),
    answer: (next: Odd) => {
      odd = next;
    },
  };
}

/** Discovery's work in this process, with a source that has what the test says. */
function startSync(
  t: TestContext,
  options: Partial<GatewayClientOptions> & { urls: string[] },
  forgetMs = 0,
) {
  const instances = new Map<string, string>();
  let lists = 0;
  const lines: string[] = [];
  const gateway = new GatewayClient({ keyFile: undefined, caFile: undefined, ...options });
  const sync = new RegistrySync({
    source: {
      name: "docker",
      watches: "",
      list: async () => {
        lists++;
        return [...instances].map(([id, endpoint]): DiscoveredInstance => {
          return { where: `container ${id}`, id, name: id, endpoint, createdAtMs: 0, unknownLabels: [] };
        });
      },
      watch: (_hint, stopping) => once(stopping, "abort").then(() => {}),
    },
    gateway,
    listEveryMs: 20,
    forgetMs,
    log: pino({ level: "info" }, { write: (line: string) => lines.push(line) }),
  });
  const stop = new AbortController();
  const running = sync.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  return {
    gateway,
    instances,
    said: (what: string) => lines.filter((line) => line.includes(what)).length,
    /** Resolves once that many more lists were begun, and all but the last are done. */
    async listed(more = 3) {
      const before = lists;
      await until("it was listed", () => lists >= before + more);
    },
  };
}

const at = (address: string) => `172.18.0.${address}:1441`;

test("what is found is registered once, followed and withdrawn, and what others have registered is left alone", async (t) => {
  const gateway = await startGateway(t);
  for (const source of ["rest", "kubernetes", "docker"]) {
    gateway.entries.set(source, { id: source, name: source, endpoint: at("1"), source });
  }
  const sync = startSync(t, { urls: [gateway.url] });
  for (const id of ["rest", "kubernetes", "new"]) sync.instances.set(id, at("2"));
  await until("the other one is withdrawn", () => !gateway.entries.has("docker"));
  await sync.listed();
  assert.deepEqual(gateway.entries.get("new"), {
    id: "new",
    name: "new",
    endpoint: at("2"),
    source: "docker",
  });
  assert.deepEqual([gateway.entries.get("rest")?.endpoint, gateway.entries.size], [at("1"), 3]);
  sync.instances.set("new", at("3"));
  await until("it has moved", () => gateway.entries.get("new")?.endpoint === at("3"));
  await sync.listed();
  const changes = gateway.requests.filter((request) => !request.startsWith("GET"));
  assert.deepEqual(changes.toSorted(), [
    "DELETE /processors/docker",
    ...Array(2).fill("PUT /processors/new"),
  ]);
  assert.deepEqual(
    [sync.said("rest is registered by rest, which counts"), sync.said("registered by kubernetes already")],
    [1, 1],
  );
});

test("what a gateway refuses for one instance is said once, and keeps no other from being registered", async (t) => {
  const gateway = await startGateway(t);
  const body = JSON.stringify({ type: "urn:kato:problem:invalid-input", detail: "no, because" });
  gateway.answer((method, path) =>
    method === "PUT" && path.endsWith("/a") ? { status: 422, body } : undefined,
  );
  const sync = startSync(t, { urls: [gateway.url] });
  for (const id of ["a", "b"]) sync.instances.set(id, at("2"));
  await until("the other is registered", () => gateway.entries.has("b"));
  await sync.listed();
  assert.equal(sync.said("container a: the gateway refuses it: no, because"), 1);
  assert.equal(sync.gateway.isReached, true);
});

test("a gateway that is away, refuses the key or answers nonsense changes nothing, and is said once", async (t) => {
  const gateway = await startGateway(t);
  const sync = startSync(t, { urls: [gateway.url] });
  sync.instances.set("p1", at("2"));
  await until("it is registered", () => gateway.entries.has("p1"));
  sync.instances.delete("p1");
  for (const [status, body, said] of [
    [401, "", "the gateway refuses discovery, GATEWAY_KEY_FILE is not set: 401"],
    [403, "not yours", "403 not yours"],
    [503, JSON.stringify({ type: "x", detail: "NATS is away" }), "GET /processors: 503 NATS is away"],
    [200, "[]", "GET /processors: 200 []"],
    [200, '{"processors": [{"id": "p1"}]}', "GET /processors: 200 {"],
  ] as const) {
    gateway.answer(() => ({ status, body }));
    gateway.entries.set("p1", { id: "p1", name: "p1", endpoint: at("2"), source: "docker" });
    await until(said, () => sync.said(said) === 1);
    await sync.listed();
    assert.deepEqual([sync.said(said), sync.gateway.isReached], [1, false], said);
    assert.ok(gateway.entries.has("p1"), said);
    gateway.answer(() => undefined);
    await until("it is withdrawn", () => !gateway.entries.has("p1"));
    await until("it is reached", () => sync.gateway.isReached);
  }
  await gateway.stop();
  await until("it is said", () => sync.said("no gateway answers: http://127.0.0.1") === 1);
  sync.instances.set("p1", at("3"));
  await gateway.startAgain();
  await until("it is registered", () => gateway.entries.get("p1")?.endpoint === at("3"));
});

test("the time that something is gone begins anew when it was there while no gateway was", async (t) => {
  const gateway = await startGateway(t);
  const sync = startSync(t, { urls: [gateway.url] }, 3_600_000);
  sync.instances.set("p1", at("2"));
  await until("it is registered", () => gateway.entries.has("p1"));
  sync.instances.delete("p1");
  await until("it is missed", () => sync.said("is gone") === 1);
  gateway.answer(() => ({ status: 503, body: "" }));
  await until("no gateway can be asked", () => !sync.gateway.isReached);
  sync.instances.set("p1", at("2"));
  await sync.listed();
  sync.instances.delete("p1");
  await sync.listed();
  gateway.answer(() => undefined);
  await until("it is missed anew", () => sync.said("is gone") === 2);
  assert.ok(gateway.entries.has("p1"));
});

test("another gateway is asked where the first does not answer, with the key that the file has by then", async (t) => {
  const [first, second] = [await startGateway(t), await startGateway(t)];
  const keyFile = join(temporaryFolder(t), "key");
  writeFileSync(keyFile, "one\n");
  const sync = startSync(t, { urls: [first.url, second.url], keyFile });
  sync.instances.set("p1", at("2"));
  await until("it is registered", () => first.entries.has("p1"));
  assert.deepEqual([[...first.keys], second.requests.length], [["Bearer one"], 0]);
  writeFileSync(keyFile, "two\n");
  await first.stop();
  await until("it is registered there", () => second.entries.has("p1"));
  await until("the new key is sent", () => second.keys.has("Bearer two"));
  await sync.listed();
  assert.equal(sync.gateway.isReached, true);
  assert.equal(sync.said("no gateway"), 0);
});
