import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ndjson, untilDone } from "../fixtures/bulk.ts";
import type { Answer } from "../fixtures/http-client.ts";
import type { SystemHere } from "../fixtures/system-here.ts";
import { startSystemHere } from "../fixtures/system-here.ts";
import { until } from "../fixtures/until.ts";

/** With a shorter one a busy machine would lose it again and again, and rebuild more than it applies. */
const leaseMs = 1_500;
const ids = ["p1", "p2", "p3"];

let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: ids.map((id) => ({ id })),
    jetstream: ["max_file_store: 10MB"],
    workerEnv: { LEASE_MS: String(leaseMs), LOG_TRIM_MS: "100" },
  });
});
after(() => system?.stop());

const line = `${JSON.stringify({ strings: ["x".repeat(60_000)] })}\n`;
const fill = (id: string) => system.request("POST", `/${id}/observations`, line.repeat(170), ndjson);
const observe = (id: string) => system.request("POST", `/${id}/observe`, line);
/** A worker that could not renew a lease takes it again in a moment. */
const clear = (id: string) =>
  until(`${id} is cleared`, () => system.succeed("POST", `/${id}/clear-working-memory`));
const untilRoom = (id: string) =>
  until(`${id} has room`, async () => {
    const { status, text } = await observe(id);
    if (status === 200) return true;
    throw new Error(text);
  });
const states = async () => {
  const { processors } = (await system.request("GET", "/processors")).json as {
    processors: { state: string }[];
  };
  return processors.map(({ state }) => state);
};

function assertStoreFull({ status, headers, json, text }: Answer): void {
  assert.deepEqual([status, json.type, json.retryable], [503, "urn:kato:problem:store-full", true], text);
  assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
}

/** Pauses all, and stores as much as is taken. Returns how many observations each log has got. */
async function fillAll(): Promise<Answer[]> {
  for (const id of ids) assert.equal((await system.request("POST", `/processors/${id}/pause`)).status, 200);
  const answers: Answer[] = [];
  for (const id of ids) answers.push(await fill(id));
  // A bulk request stops a little early, because of what it has under way. So there may be room for a few more.
  for (const id of ids) {
    await until(`${id} takes no more`, async () => {
      const { status } = await system.request("POST", `/${id}/observe`, line, { prefer: "respond-async" });
      return status !== 202;
    });
  }
  return answers;
}

const ingestionOf = (id: string, { json }: Answer) => `/${id}/ingestions/${json.ingestion}`;

test("a full store refuses what is new; all else goes on, and so does everything once there is room", async () => {
  const [first, second, third] = await fillAll();
  assert.ok(first && second && third);
  // The first two may have half of the room each.
  assert.deepEqual([first.status, first.json.type], [429, "urn:kato:problem:log-full"], first.text);
  assertStoreFull(third);
  for (const id of ids) {
    const refused = await observe(id);
    assert.ok([429, 503].includes(refused.status), refused.text);
    assert.equal(refused.json.effect, "none");
  }
  assertStoreFull(await observe("p3"));

  // Longer than a lease lives without being renewed.
  await sleep(2 * leaseMs);
  assert.deepEqual(await states(), ["paused", "paused", "paused"]);
  assert.equal((await system.request("GET", "/ready")).status, 200);
  for (const id of ids) assert.equal((await system.request("GET", `/${id}/ping`)).status, 200);

  for (const id of ids) assert.equal((await system.request("POST", `/processors/${id}/resume`)).status, 200);
  for (const [id, answer] of [
    ["p1", first],
    ["p2", second],
  ] as const) {
    const { accepted, applied, failed, unknown } = await untilDone(system.request, ingestionOf(id, answer));
    assert.deepEqual({ applied, failed, unknown }, { applied: accepted, failed: 0, unknown: 0 });
    assert.equal(accepted, answer.json.accepted);
  }
  assertStoreFull(await observe("p3"));
  await clear("p1");
  for (const id of ["p1", "p3"]) await untilRoom(id);
});

test("in a store that is really full DELETE makes room; with a larger one everything goes on", async () => {
  for (const id of ids) {
    await clear(id);
    await untilRoom(id);
  }
  await fillAll();
  for (const id of ids) await system.succeed("POST", `/processors/${id}/resume`);
  await until("all are resumed", async () => !(await states()).includes("paused"));
  await until("p3 has no room", async () => {
    assertStoreFull(await observe("p3"));
    return true;
  });

  // As if somebody else had filled it: not even a lease can be renewed.
  await system.nats.restart({ jetstream: ["max_file_store: 7MB"] });
  const notReady = await until("it is full", async () => {
    const answer = await system.request("GET", "/ready");
    return answer.status === 503 && answer.json.type === "urn:kato:problem:store-full" && answer;
  });
  assertStoreFull(notReady);
  await until(
    "p1 is removed",
    async () => (await system.request("DELETE", "/processors/p1?data=true&force=true")).status === 200,
  );
  await until("it is ready", async () => (await system.request("GET", "/ready")).status === 200);
  await until("p2 is run again", async () => (await states())[0] !== "unowned");
  await clear("p2");

  await system.nats.restart({ jetstream: ["max_file_store: 100MB"] });
  await untilRoom("p3");
});
