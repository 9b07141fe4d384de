import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { linesOfTexts, ndjson, texts, untilDone } from "../../fixtures/bulk.ts";
import { listenTo } from "../../fixtures/server-events.ts";
import type { Service } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
let other: Service;
before(async () => {
  system = await startSystem({ simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "5" }), gateways: 2 });
  other = system.gateways[1] as Service;
});
after(() => system?.stop());

/** The events of an ingestion, as they come. */
const listen = (location: unknown, headers: Record<string, string> = {}, gateway = system.gateway) =>
  listenTo(gateway.url, `${location}/events`, headers);

const ingest = async (count: number) => {
  const { headers } = await system.request("POST", "/p1/observations", linesOfTexts(texts(count)), ndjson);
  return headers.location;
};

test("events tell how an ingestion goes on until it is done", async () => {
  const location = await ingest(300);
  const { response, events } = await listen(location);
  assert.equal(response.headers["content-type"], "text/event-stream");
  await until("they end", () => response.complete, 20_000);
  const told = events();
  assert.ok(told.length > 2);
  const applied = told.map(({ data }) => Number(data.applied));
  assert.deepEqual(
    applied,
    applied.toSorted((a, b) => a - b),
  );
  const [last] = told.slice(-1);
  assert.deepEqual([last?.data.state, last?.data.applied], ["done", 300]);
  assert.deepEqual(last?.data, (await system.request("GET", String(location))).json);
  assert.ok(told.slice(0, -1).every(({ data }) => data.state !== "done"));
});

test("a client that comes back is told what is new, and one that has seen the end is told not to come back", async () => {
  const location = await ingest(300);
  const first = await listen(location);
  await until("some has come", () => first.events().length > 1);
  first.request.destroy();
  const [seen] = first.events().slice(-1);
  const second = await listen(location, { "last-event-id": seen?.id ?? "" }, other);
  await until("they end", () => second.response.complete, 20_000);
  assert.ok(second.events().every(({ id }) => id !== seen?.id));
  const end = second.events().at(-1);
  assert.equal(end?.data.state, "done");
  const third = await listen(location, { "last-event-id": end?.id ?? "" });
  assert.equal(third.response.statusCode, 204);
});

test("comments are sent while nothing changes, and a gateway that is stopped ends the events", async () => {
  await system.simulator.kill("SIGSTOP");
  const location = await ingest(5);
  const { response, comments, events } = await listen(location, {}, other);
  await until("there is a comment", () => comments() > 0, 10_000);
  assert.equal(events().at(-1)?.data.state, "queued");
  assert.equal(await other.stop(), "exit code 0");
  await until("the events have ended", () => response.complete);
  await system.simulator.kill("SIGCONT");
  await untilDone(system.request, String(location));
});

test("an ingestion that is not there is a 404", async () => {
  for (const path of [
    "/p1/ingestions/none",
    "/p1/ingestions/none/events",
    "/p1/ingestions/a.b",
    "/nobody/ingestions/none",
  ]) {
    assert.equal((await system.request("GET", path)).status, 404, path);
  }
});

test("what waits is listed by its ingestion, however much it is, and what is applied is not", async () => {
  await system.succeed("POST", "/processors/p1/pause");
  const first = await system.request("POST", "/p1/observations", linesOfTexts(texts(300)), ndjson);
  for (let index = 0; index < 3; index++) {
    await system.succeed("POST", "/p1/observe", { strings: ["between"] }, { prefer: "respond-async" });
  }
  const second = await system.request("POST", "/p1/observations", linesOfTexts(texts(2)), ndjson);
  const list = async (from = 0) => {
    const { status, json } = await system.request("GET", `/processors/p1/ingestions?from=${from}`);
    assert.equal(status, 200);
    const ids = (json.ingestions as Record<string, unknown>[]).map(({ ingestion }) => ingestion);
    return { ids, next: json.next };
  };
  const [one, other] = [first, second].map(({ json }) => json.ingestion);
  assert.deepEqual(await list(), { ids: [one, other], next: undefined });
  assert.deepEqual((await list(Number(first.json.last_sequence) + 1)).ids, [other]);
  await system.succeed("POST", "/processors/p1/resume");
  await until("all is applied", async () => (await list()).ids.length === 0, 20_000);
});
