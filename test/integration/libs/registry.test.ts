import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { KV } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { openBucket } from "../../../libs/nats/buckets.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import { Registry } from "../../../libs/registry/registry.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
before(async () => {
  nats = await startNats();
});
after(() => nats?.stop());

/** A view with a connection of its own, as each process has one. */
async function openView(t: TestContext, port = nats.port): Promise<{ registry: Registry; bucket: KV }> {
  const servers = `127.0.0.1:${port}`;
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  t.after(() => connection.close());
  const bucket = await openBucket(connection, "registry", 1);
  const registry = await Registry.open(bucket, connection);
  t.after(() => registry.close());
  return { registry, bucket };
}

let ids = 0;
const newId = () => `p${++ids}`;
const entry = (id: string, source: ProcessorEntry["source"], grpc_endpoint = "a:1"): ProcessorEntry => ({
  id,
  name: id,
  grpc_endpoint,
  source,
});
/** nats.js would notice by itself after a minute that a watch has died. */
const noticeLimitMs = 20_000;

/** An entry without where its instance was before. */
function shown(entry: ProcessorEntry | undefined): ProcessorEntry | undefined {
  if (!entry) return undefined;
  const { former_endpoints: _, ...others } = entry;
  return others;
}

test("an entry has where its instance was before, the latest first, and not where it is", async (t) => {
  const { registry } = await openView(t);
  const id = newId();
  for (const endpoint of ["a:1", "b:2", "c:3", "a:1"]) await registry.put(entry(id, "rest", endpoint));
  assert.deepEqual(registry.get(id)?.former_endpoints, ["c:3", "b:2"]);
  for (let port = 1; port <= 20; port++) await registry.put(entry(id, "rest", `d:${port}`));
  assert.equal(registry.get(id)?.former_endpoints?.length, 10);
});

test("all views see what one of them writes, and a view that is opened later has it at once", async (t) => {
  const [one, two] = await Promise.all([openView(t), openView(t)]);
  const id = newId();
  let changes = 0;
  two.registry.onChange(() => changes++);
  assert.equal(await one.registry.put(entry(id, "rest")), true);
  assert.equal(await one.registry.put(entry(id, "rest", "b:2")), false);
  assert.equal(shown(one.registry.get(id))?.grpc_endpoint, "b:2");
  await until("the other sees it", () => shown(two.registry.get(id))?.grpc_endpoint === "b:2");
  assert.ok(changes > 0);
  assert.deepEqual(shown((await openView(t)).registry.get(id)), entry(id, "rest", "b:2"));
  await two.registry.remove(id);
  assert.equal(shown(two.registry.get(id)), undefined);
  await until("the other sees it", () => shown(one.registry.get(id)) === undefined);
  assert.equal(shown((await openView(t)).registry.get(id)), undefined);
  assert.equal(await one.registry.put(entry(id, "rest")), true);
});

test("of one id REST wins over the environment, that over the file, and that over discovery", async (t) => {
  const { registry } = await openView(t);
  const id = newId();
  const order = ["docker", "file", "environment", "rest"] as const;
  for (const [index, source] of order.entries()) {
    const endpoint = `${source}:1`;
    if (source === "rest") await registry.put(entry(id, source, endpoint));
    else assert.equal(await registry.declare(entry(id, source, endpoint)), true);
    for (const weaker of order.slice(0, index)) {
      assert.equal(await registry.declare(entry(id, weaker, "weak:1")), false);
      await registry.withdraw(id, weaker);
    }
    assert.deepEqual(shown(registry.get(id)), entry(id, source, endpoint));
  }
});

test("of two discoveries the one that has registered an id first keeps it", async (t) => {
  const { registry } = await openView(t);
  for (const [first, second] of [
    ["kubernetes", "docker"],
    ["docker", "kubernetes"],
  ] as const) {
    const id = newId();
    assert.equal(await registry.declare(entry(id, first)), true);
    assert.equal(await registry.declare(entry(id, second, "b:2")), false);
    assert.equal(await registry.withdraw(id, second), false);
    assert.deepEqual(shown(registry.get(id)), entry(id, first));
    assert.equal(await registry.withdraw(id, first), true);
    assert.equal(await registry.withdraw(id, first), false);
  }
});

test("a source changes and withdraws its own entries", async (t) => {
  const { registry } = await openView(t);
  const id = newId();
  assert.equal(await registry.declare(entry(id, "docker")), true);
  assert.equal(await registry.declare(entry(id, "docker")), true);
  assert.equal(await registry.declare(entry(id, "docker", "b:2")), true);
  assert.equal(shown(registry.get(id))?.grpc_endpoint, "b:2");
  await registry.withdraw(id, "docker");
  assert.equal(shown(registry.get(id)), undefined);
  await registry.withdraw(id, "docker");
});

test("a pause stays when the processor is registered again, even by a view that did not know of the pause", async (t) => {
  const [one, two] = await Promise.all([openView(t), openView(t)]);
  const id = newId();
  await one.registry.put(entry(id, "rest"));
  // The other view may not have seen it yet.
  assert.equal((await two.registry.setPaused(id, true))?.paused, true);
  assert.equal(await one.registry.put(entry(id, "rest", "b:2")), false);
  assert.deepEqual(shown(one.registry.get(id)), { ...entry(id, "rest", "b:2"), paused: true });
  assert.equal((await one.registry.setPaused(id, false))?.paused, undefined);
  assert.equal(await two.registry.setPaused("nobody", true), undefined);
});

test("what a program has paused it resumes, unless a person has paused it before or meanwhile", async (t) => {
  const { registry } = await openView(t);
  const [free, paused, meanwhile] = [newId(), newId(), newId()];
  for (const id of [free, paused, meanwhile]) await registry.put(entry(id, "rest"));
  await registry.setPaused(paused, true);

  for (const id of [free, paused, meanwhile]) await registry.pauseFor(id, "backup 1");
  assert.equal(shown(registry.get(free))?.paused_by, "backup 1");
  assert.equal(shown(registry.get(paused))?.paused_by, undefined);
  await registry.put(entry(free, "rest", "b:2"));
  await registry.setPaused(meanwhile, true);
  await registry.resumeFor(free, "backup 2");
  assert.equal(shown(registry.get(free))?.paused, true, "another program has paused it");

  for (const id of [free, paused, meanwhile]) await registry.resumeFor(id, "backup 1");
  assert.deepEqual(shown(registry.get(free)), entry(free, "rest", "b:2"));
  assert.equal(shown(registry.get(paused))?.paused, true);
  assert.equal(shown(registry.get(meanwhile))?.paused, true);
});

test("views that write at the same time do not overwrite each other's changes", async (t) => {
  const views = await Promise.all([1, 2, 3].map(() => openView(t)));
  for (let round = 0; round < 20; round++) {
    const id = newId();
    await views[0]?.registry.declare(entry(id, "docker"));
    await Promise.all([
      views[0]?.registry.setPaused(id, true),
      views[1]?.registry.put(entry(id, "rest", "rest:1")),
      views[2]?.registry.declare(entry(id, "environment", "environment:1")),
    ]);
    for (const { registry } of views) {
      await until("all see the same", () =>
        isDeepStrictEqual(shown(registry.get(id)), { ...entry(id, "rest", "rest:1"), paused: true }),
      );
    }
  }
});

test("a value that is not an entry is ignored and can be replaced", async (t) => {
  const { registry, bucket } = await openView(t);
  for (const text of [
    "{",
    "null",
    "5",
    '{"id":"other","name":"x","grpc_endpoint":"a:1","source":"rest"}',
    "{}",
  ]) {
    const id = newId();
    await bucket.put(id, text);
    const view = await openView(t);
    assert.equal(shown(view.registry.get(id)), undefined);
    assert.equal(await registry.declare(entry(id, "docker")), true);
    await until("all see it", () => shown(view.registry.get(id)) !== undefined);
  }
});

test("a view follows changes after nats-server was killed and started again on the same store", async (t) => {
  const view = await openView(t);
  const [kept, removed, added] = [newId(), newId(), newId()];
  await view.registry.put(entry(kept, "rest"));
  await view.registry.put(entry(removed, "rest"));
  for (let round = 1; round <= 2; round++) {
    await nats.kill();
    await nats.restart();
    const other = await openView(t);
    assert.equal(
      shown(other.registry.get(kept))?.grpc_endpoint,
      shown(view.registry.get(kept))?.grpc_endpoint,
    );
    await other.registry.put(entry(kept, "rest", `round:${round}`));
    await other.registry.put(entry(`${added}_${round}`, "rest"));
    await other.registry.remove(removed);
    await until(
      "it sees the change",
      () =>
        shown(view.registry.get(kept))?.grpc_endpoint === `round:${round}` &&
        shown(view.registry.get(`${added}_${round}`)) !== undefined &&
        shown(view.registry.get(removed)) === undefined,
      noticeLimitMs,
    );
  }
});

test("a view has the latest change even if the message was lost with the connection", async (t) => {
  const proxy = await startTcpProxy(nats.port);
  t.after(() => proxy.stop());
  const [view, other] = [await openView(t, proxy.port), await openView(t)];
  const id = newId();
  for (let round = 1; round <= 3; round++) {
    proxy.swallow();
    await other.registry.put(entry(id, "rest", `round:${round}`));
    await until("it is lost", () => proxy.swallowed().includes(`round:${round}`));
    proxy.cut();
    await until(
      "it sees the change",
      () => shown(view.registry.get(id))?.grpc_endpoint === `round:${round}`,
      noticeLimitMs,
    );
  }
});
