import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { assertApplied, linesOfTexts, ndjson, openUpload, texts, withStreams } from "../../fixtures/bulk.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { viewOf } from "../../fixtures/processors.ts";
import { startGatewayHere } from "../../fixtures/services-here.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
/** Where the log ended when the test began. */
let base = 0;
before(async () => {
  system = await startSystemHere();
});
after(() => system?.stop());
beforeEach(async () => {
  await until("working memory is empty", async () => {
    const { status, headers } = await system.request("POST", "/p1/clear-working-memory");
    base = Number(headers["kato-sequence"]);
    return status === 200;
  });
});

const open = () => openUpload(system.gateway.url, "/p1/observations");
/** How many commands are applied since the test began. */
const applied = async () => (await viewOf(system.request)).applied - base;

test("a request goes on while NATS is killed and started again, and nothing is lost or doubled", async () => {
  const all = texts(2_000);
  const stream = open();
  const writing = (async () => {
    for (let from = 0; from < all.length; from += 250) {
      await stream.write(linesOfTexts(all.slice(from, from + 250)));
      if (from !== 500 && from !== 1_250) continue;
      await until("some are applied", async () => (await applied()) > from / 2);
      await system.nats.kill();
      await system.nats.restart();
    }
    stream.request.end();
  })();
  const { status, json, text } = await stream.answer();
  await writing;
  assert.equal(status, 202, text);
  assert.equal(json.accepted, 2_000);
  await assertApplied(system.request, `/p1/ingestions/${json.ingestion}`, all);
});

test("a request during which NATS goes away for good is a 503 that says what is stored", async () => {
  const stream = open();
  await stream.write(linesOfTexts(texts(100)));
  await until("they are applied", async () => (await applied()) === 100);
  await system.nats.kill();
  await stream.write(linesOfTexts(texts(50, "u")));
  stream.request.end();
  const { status, json } = await stream.answer();
  assert.deepEqual([status, json.accepted, json.retryable], [503, 100, true]);
  assert.equal((await system.request("POST", "/p1/observations", linesOfTexts(["a"]), ndjson)).status, 503);
  await system.nats.restart();
});

test("a full log is a 429 that says exactly what is stored", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const KATO_PROCESSORS = JSON.stringify({ p1: "127.0.0.1:9" });
  const gateway = await startGatewayHere({
    natsUrl: nats.url,
    env: { KATO_PROCESSORS, LOG_MAX_BYTES: "200000" },
  });
  t.after(() => gateway.stop());
  const send = sendTo(gateway.url);
  await until("the gateway is ready", async () => (await send("GET", "/ready")).status === 200);
  const body = linesOfTexts(texts(5_000));
  const { status, headers, json } = await send("POST", "/p1/observations", body, ndjson);
  assert.equal(status, 429);
  assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
  const last = await withStreams(nats.url, async (streams) => (await streams.info("KATO_p1")).state.last_seq);
  assert.ok(last > 500);
  assert.deepEqual([json.accepted, json.last_sequence], [last, last]);
});
