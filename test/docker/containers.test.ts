import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { linesOfTexts, ndjson, texts } from "../fixtures/bulk.ts";
import { until } from "../fixtures/system.ts";
import type { ContainerSystem } from "./containers.ts";
import { noDocker, processors, startContainers } from "./containers.ts";

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

  /** Sends observations under one key, has trouble happen while they are applied, and asserts that each was applied once, in order. */
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
    for (const image of ["gateway", "worker", "simulator"] as const) {
      assert.equal(await system.userOf(image), "node");
    }
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

  test("each of our containers ends with 0 when it is stopped", async () => {
    for (const name of ["gateway", "worker-1", "worker-2", "kato-p1"]) {
      assert.equal(await system.stop(name), 0, name);
    }
  });
});
