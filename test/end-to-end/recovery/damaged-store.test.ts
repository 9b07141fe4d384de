import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { linesOfTexts, ndjson, texts, untilDone, withStreams } from "../../fixtures/bulk.ts";
import { eventsOf, untilIdle, untilState, viewOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const wait = { prefer: "wait=20" };

let system: SystemHere;
before(async () => {
  system = await startSystemHere();
});
after(() => system?.stop());

const events = () => eventsOf(system.request);
/** Resolves once GET /processors says this of what is wrong for good. */
const untilDegraded = (text: RegExp) =>
  until("it is told", async () => text.test((await viewOf(system.request)).degraded ?? ""));

/** Observes this once the processor can be used, and resolves to the sequence that it got. */
async function observed(text: string): Promise<number> {
  const sequence = await until("it is observed", async () => {
    const { status, headers } = await system.request("POST", "/p1/observe", { strings: [text] }, wait);
    return status === 200 && Number(headers["kato-sequence"]);
  });
  await untilIdle(system.request);
  return sequence;
}

/** Does something to NATS's files while it does not run. */
async function betweenStarts(task: () => Promise<void>): Promise<void> {
  await system.nats.kill();
  await task();
  await system.nats.restart();
}

const storeOf = (dir: string) => `${dir}/jetstream`;
const copyOf = (dir: string) => `${dir}/copy`;

test("a log that was deleted is made anew, goes on above the used numbers, and this is told", async () => {
  for (const text of ["a", "b", "c", "d"]) await observed(text);
  await withStreams(system.nats.url, (streams) => streams.delete("KATO_p1"));
  assert.ok((await observed("e")) > 4);
  assert.deepEqual(await events(), ["a", "b", "c", "d", "e"]);
  await untilDegraded(/^the log lost the commands 1 to 4/);
});

test("an observation that was removed from the log before it was applied is counted as lost", async () => {
  await system.succeed("POST", "/p1/clear-all-memory", undefined, wait);
  await system.worker.stop();
  const all = texts(5);
  const { headers, json } = await system.request("POST", "/p1/observations", linesOfTexts(all), ndjson);
  const first = Number(json.first_sequence);
  await withStreams(system.nats.url, (streams) => streams.deleteMessage("KATO_p1", first + 2, false));
  await system.worker.restart();
  const { accepted, applied, failed, unknown, lost, queued } = await untilDone(
    system.request,
    String(headers.location),
  );
  assert.deepEqual(
    { accepted, applied, failed, unknown, lost, queued },
    { accepted: 5, applied: 4, failed: 0, unknown: 0, lost: 1, queued: 0 },
  );
  assert.deepEqual(
    await events(),
    all.filter((_, index) => index !== 2),
  );
  await untilDegraded(new RegExp(`the last time command ${first + 2}`));
});

test("where NATS went back to an older state, what was applied since stays, and this is told", async () => {
  await system.succeed("POST", "/p1/clear-all-memory", undefined, wait);
  const { dir } = system.nats;
  const earlier = await observed("a");
  await betweenStarts(() => cp(storeOf(dir), copyOf(dir), { recursive: true }));
  assert.equal(await observed("b"), earlier + 1);
  await observed("c");
  await betweenStarts(async () => {
    await rm(storeOf(dir), { recursive: true });
    await cp(copyOf(dir), storeOf(dir), { recursive: true });
  });
  await observed("d");
  const now = await events();
  if (now.length === 4) {
    assert.deepEqual(now, ["a", "b", "c", "d"]);
    // That NATS went back is known where the worker has persisted something since.
    await untilDegraded(/the log lost the commands/);
    assert.equal((await viewOf(system.request)).foreign_observes, undefined);
  } else {
    // Where nothing shows that NATS went back, working memory becomes what the log says, and this is told.
    assert.deepEqual(now, ["a", "d"]);
    await untilDegraded(/observed more than its log has/);
  }
});

test("a processor whose checkpoint is gone is held until its instance is adopted", async () => {
  await system.succeed("POST", "/p1/clear-all-memory", undefined, wait);
  await observed("a");
  await system.worker.stop();
  await withStreams(system.nats.url, (streams) => streams.purge("KV_kato-checkpoints"));
  await system.worker.restart();
  await untilState(system.request, "p1", "held");
  const { reason, healthy, last } = await viewOf(system.request);
  assert.equal(healthy, false);
  assert.match(reason ?? "", /checkpoint is gone.*rebuild it.*adopt/);
  const refused = await system.request("POST", "/p1/observe", { strings: ["b"] }, wait);
  assert.deepEqual([refused.status, refused.json.effect], [503, "none"]);
  assert.match(String(refused.json.type), /held/);
  const queued = await system.request("POST", "/p1/observe", { strings: ["b"] }, { prefer: "respond-async" });
  assert.equal(queued.status, 202);
  const wrong = await system.request("POST", "/processors/p1/adopt", { applied: last + 5 });
  assert.equal(wrong.status, 422);
  const unsaid = await system.request("POST", "/processors/p1/rebuild", {});
  assert.equal(unsaid.status, 422);
  const adopted = await system.request("POST", "/processors/p1/adopt", {});
  assert.equal(adopted.status, 200, adopted.text);
  await untilIdle(system.request);
  assert.deepEqual(await events(), ["a", "b"]);
  await untilDegraded(/adopted as it was/);
  assert.equal((await system.request("POST", "/processors/p1/adopt", {})).status, 409);
});

test("a held processor is given its log again", async () => {
  await system.succeed("POST", "/p1/clear-all-memory", undefined, wait);
  const from = (await viewOf(system.request)).last;
  await observed("a");
  await system.worker.stop();
  await withStreams(system.nats.url, (streams) => streams.purge("KV_kato-checkpoints"));
  await system.worker.restart();
  await untilState(system.request, "p1", "held");
  const survey = await system.request("POST", "/processors/p1/rebuild?dry_run=true", { from });
  assert.deepEqual([survey.status, survey.json.commands], [200, 2]);
  assert.equal((await system.request("POST", "/processors/p1/rebuild", { from })).status, 202);
  await untilIdle(system.request);
  assert.deepEqual(await events(), ["a"]);
});
