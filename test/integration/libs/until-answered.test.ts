import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { untilAnswered } from "../../../libs/nats/until-answered.ts";
import { connectedNats } from "../../fixtures/connected-nats.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

function listener() {
  const warnings: string[] = [];
  return { warnings, log: { info: () => {}, warn: (_: object, message: string) => warnings.push(message) } };
}

test("a question that JetStream does not answer is asked again until it does, and this is logged", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const connection = await connect({ servers: nats.url, maxReconnectAttempts: -1, timeout: 1_000 });
  t.after(() => connection.close());
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 300 });
  await nats.kill("SIGSTOP");
  const { log, warnings } = listener();
  const asked = untilAnswered(() => manager.getAccountInfo(), {
    log,
    stopping: new AbortController().signal,
  });
  await until("it says that it asks again", () => warnings.length > 0);
  await nats.kill("SIGCONT");
  assert.equal((await asked).streams, 0);
  assert.match(warnings[0] ?? "", /asking again/);
});

test("an answer that is an error ends the asking", async (t) => {
  const { connection } = await connectedNats(t);
  const manager = await jetstreamManager(connection);
  const { log, warnings } = listener();
  const options = { log, stopping: new AbortController().signal };
  await assert.rejects(
    untilAnswered(() => manager.streams.info("nothing"), options),
    JetStreamApiError,
  );
  assert.deepEqual(warnings, []);
});

test("once the service stops nothing is asked again", async () => {
  const { log } = listener();
  const stopping = AbortSignal.abort();
  await assert.rejects(
    untilAnswered(() => Promise.reject(new Error("away")), { log, stopping }),
    /away/,
  );
});
