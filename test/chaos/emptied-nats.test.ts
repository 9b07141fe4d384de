import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { withStreams } from "../fixtures/bulk.ts";
import type { Answer } from "../fixtures/http-client.ts";
import type { SystemHere } from "../fixtures/system-here.ts";
import { startSystemHere } from "../fixtures/system-here.ts";
import { until } from "../fixtures/until.ts";

// What a worker does with an instance that has a history, when the log or the checkpoint is gone, is not
// tested here. So each test uses an instance of its own.
const ids = ["p1", "p2", "p3", "p4"];

let system: SystemHere;
before(async () => {
  system = await startSystemHere({ processors: ids.map((id) => ({ id })), workerEnv: { LEASE_MS: "1500" } });
});
after(() => system?.stop());

const wait = { prefer: "wait=3" };
const observe = (id: string) => system.request("POST", `/${id}/observe`, { strings: ["a"] }, wait);
const untilObserved = (id: string): Promise<Answer> =>
  until(`${id} observes`, async () => {
    const answer = await observe(id);
    if (answer.status === 200) return answer;
    throw new Error(answer.text);
  });
/** Waits until the gateway is ready, and asserts that it knows every processor as soon as it is. */
async function untilReady(): Promise<void> {
  await until("it is ready", async () => (await system.request("GET", "/ready")).status === 200);
  const { processors } = (await system.request("GET", "/processors")).json as {
    processors: { id: string }[];
  };
  assert.deepEqual(
    processors.map(({ id }) => id),
    ids,
  );
}
const ready = async () => (await system.request("GET", "/ready")).status;

test("when NATS comes back empty, everything is made anew, and the processors of the settings are back", async () => {
  await system.nats.restart({ emptied: true });
  await untilReady();
  await untilObserved("p1");
});

test("streams and buckets that are deleted while everything runs are made anew", async () => {
  await withStreams(system.nats.url, async (streams) => {
    const names: string[] = [];
    for await (const name of streams.names()) names.push(name);
    for (const name of names) await streams.delete(name);
    assert.equal(await ready(), 503);
    await untilReady();
    await untilObserved("p2");
    await until("all streams are there again", async () => {
      const again = new Set<string>();
      for await (const name of streams.names()) again.add(name);
      return names.every((name) => again.has(name));
    });
  });
});

test("a log that is made anew goes on above every sequence that was used", async () => {
  const count = 5;
  for (let sent = 0; sent < count; sent++) await untilObserved("p3");
  const last = Number((await untilObserved("p3")).headers["kato-sequence"]);
  await withStreams(system.nats.url, (streams) => streams.delete("KATO_p3"));
  const next = await untilObserved("p3");
  assert.ok(Number(next.headers["kato-sequence"]) > last, `${next.headers["kato-sequence"]} after ${last}`);
});

test("a registry that is made anew has the processors of the settings, and /ready is 503 until then", async () => {
  await withStreams(system.nats.url, (streams) => streams.delete("KV_kato-registry"));
  assert.equal(await ready(), 503);
  await untilReady();
  await untilObserved("p4");
});
