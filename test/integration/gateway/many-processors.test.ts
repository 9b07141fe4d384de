import assert from "node:assert/strict";
import { test } from "node:test";
import { connectedNats } from "../../fixtures/connected-nats.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { startGatewayHere } from "../../fixtures/services-here.ts";
import { until } from "../../fixtures/until.ts";

test("when a processor is registered the gateway asks only for that one's log", async (t) => {
  const { nats, connection } = await connectedNats(t);
  // Nothing listens there, and nothing calls it.
  const endpoint = "127.0.0.1:9";
  const declared = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, endpoint]));
  const env = { KATO_PROCESSORS: JSON.stringify(declared) };
  const gateway = await startGatewayHere({ natsUrl: nats.url, env });
  t.after(() => gateway.stop());
  const send = sendTo(gateway.url);
  await until("all are registered", async () => {
    const { processors } = (await send("GET", "/processors")).json;
    return Array.isArray(processors) && processors.length === 40;
  });

  const asked: string[] = [];
  connection.subscribe("$JS.API.STREAM.INFO.*", {
    callback: (_, { subject }) => void asked.push(subject.split(".").at(-1) ?? ""),
  });
  await connection.flush();
  for (const id of ["new1", "new2"]) {
    const { status, text } = await send("PUT", `/processors/${id}`, { grpc_endpoint: endpoint });
    assert.equal(status, 201, text);
  }
  await until(
    "the logs of both were asked for",
    () => asked.includes("KATO_new1") && asked.includes("KATO_new2"),
  );
  await connection.flush();
  const others = asked.filter((stream) => /^KATO_p\d/.test(stream));
  assert.deepEqual(others, []);
});
