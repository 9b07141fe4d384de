import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { linesOfTexts, ndjson, texts } from "../fixtures/bulk.ts";
import { until } from "../fixtures/until.ts";
import type { ContainerSystem } from "./containers.ts";
import { images, noDocker, processors, startContainers } from "./containers.ts";

const skip = await noDocker();

describe("the images as containers, with NATS as it is shipped", { skip: skip ?? false }, () => {
  let system: ContainerSystem;
  before(async () => {
    system = await startContainers();
  });
  after(() => system?.close());

  const p1 = processors["kato-p1"];
  const p2 = processors["kato-p2"];
  const viewOf = async (id: string) => (await system.request("GET", `/processors/${id}`)).json;
  const untilReady = (id: string) =>
    until(`${id} is ready`, async () => (await viewOf(id)).state === "ready", 120_000);

  /** The strings in working memory, in order. */
  async function workingMemory(id: string): Promise<unknown[]> {
    const { json } = await system.request("GET", `/${id}/working-memory`);
    return (json.message as unknown[][]).flat();
  }

  /**
   * Sends observations under one key, has trouble happen while they are applied, and asserts that each was
   * applied once, in order.
   */
  async function assertExact(trouble: () => Promise<void>): Promise<void> {
    assert.equal((await system.request("POST", `/${p1}/working-memory/clear`)).status, 200);
    const all = texts(2_000);
    const headers = { ...ndjson, "idempotency-key": `key-${performance.now()}` };
    const send = () => system.request("POST", `/${p1}/observations`, linesOfTexts(all), headers);
    const before = Number((await viewOf(p1)).applied);
    const first = send().catch(() => undefined);
    await until("some are applied", async () => Number((await viewOf(p1)).applied) > before + 100, 120_000);
    await trouble();
    await first;
    await until("all are stored", async () => (await send()).status === 202, 120_000);
    await until(
      "all are applied",
      async () => {
        const { state, depth } = await viewOf(p1);
        return state === "ready" && depth === 0;
      },
      120_000,
    );
    assert.deepEqual(await workingMemory(p1), all);
  }

  test("observations, a Learn and predictions through the images, which run without root", async () => {
    for (const image of images) assert.equal(await system.userOf(image), "node");
    for (const strings of [["a"], ["b"], ["c"]]) {
      assert.equal((await system.request("POST", `/${p1}/observe`, { strings })).status, 200);
    }
    const learned = await system.request("POST", `/${p1}/learn`);
    assert.match(String(learned.json.message), /^MODEL\|/);
    await system.request("POST", `/${p1}/observe`, { strings: ["a"] });
    await system.request("POST", `/${p1}/observe`, { strings: ["b"] });
    const { json } = await system.request("GET", `/${p1}/predictions`);
    assert.partialDeepStrictEqual(json.message, [{ matches: ["a", "b"], future: [["c"]] }]);
    assert.deepEqual(await workingMemory(p2), []);
  });

  test("what was compiled at the build is what the programs use", async () => {
    for (const name of ["gateway-1", "worker-1", "kato-p1", "discovery"]) {
      const told = await system.compileCacheOf(name);
      assert.match(told, /main\.ts was accepted/, name);
      assert.doesNotMatch(told, /was not initialized|rejected|denied/, name);
    }
  });

  test("two gateways serve a client in turns, and its observations stay in order (A2)", async () => {
    await system.balanced("POST", `/${p2}/working-memory/clear`);
    const all = texts(100);
    for (const text of all) {
      assert.equal((await system.balanced("POST", `/${p2}/observe`, { strings: [text] })).status, 200);
    }
    assert.deepEqual(await workingMemory(p2), all);
    for (const gateway of ["gateway-1", "gateway-2"] as const) {
      const series = `kato_http_requests_total{processor="${p2}",outcome="okay"} `;
      const line = (await system.metricsOf(gateway)).split("\n").find((line) => line.startsWith(series));
      assert.ok(Number(line?.slice(series.length)) > 10, `${gateway}: ${line}`);
    }
  });

  test("a container with discovery's labels is registered, used, and withdrawn when it is removed", async () => {
    await system.startFound("kato-p4", "p4");
    const observe = () => system.request("POST", "/p4/observe", { strings: ["a"] });
    await until("it is used", async () => (await observe()).status === 200, 120_000);
    assert.partialDeepStrictEqual(await viewOf("p4"), { name: "kato-p4", source: "docker" });
    await system.remove("kato-p4");
    await until(
      "it is withdrawn",
      async () => (await system.request("GET", "/processors/p4")).status === 404,
      120_000,
    );
  });

  test("the gateway's container has the command line", async () => {
    const { exitCode, output } = await system.run("gateway-1", ["kato", "processors"]);
    assert.equal(exitCode, 0, output);
    assert.match(output, new RegExp(`^${p1} `, "m"));
  });

  test("a KATO container that is killed in an ingestion and started again comes back with what it had (A3)", async () => {
    await assertExact(async () => {
      await system.kill("kato-p1");
      await until("it is seen", async () => (await viewOf(p1)).healthy === false);
      await system.start("kato-p1");
    });
    const learned = await system.request("GET", `/${p1}/predictions`);
    assert.equal(learned.status, 200);
  });

  test("a worker container that is killed is replaced by the other (A2, A4)", async () => {
    const owner = await system.ownerOf(p1);
    await assertExact(() => system.kill(owner));
    await until("the other runs it", async () => (await system.ownerOf(p1)) !== owner);
    await system.start(owner);
  });

  test("NATS in a new container on the same volume has everything that it acknowledged (A6)", async () => {
    await assertExact(() => system.replaceNats());
    await untilReady(p2);
    assert.equal((await system.request("POST", `/${p2}/observe`, { strings: ["on"] })).status, 200);
  });

  test("each of our containers ends with 0 when it is stopped, and without gateways the balancer says so in their form", async () => {
    for (const name of ["gateway-1", "gateway-2", "worker-1", "worker-2", "kato-p1", "discovery"]) {
      assert.equal(await system.stop(name), 0, name);
    }
    const { status, headers, json } = await system.balanced("POST", `/${p1}/observe`, {});
    assert.deepEqual([status, headers["content-type"]], [503, "application/problem+json"]);
    assert.partialDeepStrictEqual(json, { status: 503, retryable: true, effect: "none" });
  });
});
