import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { freePort } from "../../fixtures/free-port.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import { startGatewayHere, startSimulatorHere, startWorkerHere } from "../../fixtures/services-here.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
let worker: ServiceHere;
let instances: ServiceHere[];
let reader: ServiceHere;
/** To a gateway whose settings name no processor. */
let send: Send;
const folder = temporaryFolder({ after });
before(async () => {
  nats = await startNats();
  [worker, reader, ...instances] = await Promise.all([
    startWorkerHere({ natsUrl: nats.url }),
    startGatewayHere({ natsUrl: nats.url }),
    ...["p1", "p1", "asked", "connect", "confined"].map((id) =>
      startSimulatorHere({ MANIFEST: JSON.stringify({ id }) }),
    ),
  ]);
  send = sendTo(reader.url);
});
after(async () => {
  for (const service of [worker, reader, ...(instances ?? []), nats]) await service?.stop();
});

const endpointOf = (index: number) => `127.0.0.1:${instances[index]?.port}`;

/** A gateway with these settings that is ready, for as long as the test runs. */
async function start(t: TestContext, env: NodeJS.ProcessEnv): Promise<{ gateway: ServiceHere; send: Send }> {
  const gateway = await startGatewayHere({ natsUrl: nats.url, env });
  t.after(() => gateway.stop());
  const send = sendTo(gateway.url);
  await untilGatewayReady(send);
  return { gateway, send };
}

const untilGatewayReady = (send: Send) =>
  until("the gateway is ready", async () => (await send("GET", "/ready")).status === 200);
const viewOf = async (id: string) => {
  const { name, source, endpoint, state, reason } = (await send("GET", `/processors/${id}`)).json;
  return { name, source, endpoint, state, reason };
};
const untilReady = (id: string, endpoint: string) =>
  until(`${id} is ready at ${endpoint}`, async () => {
    const view = await viewOf(id);
    return view.endpoint === endpoint && view.state === "ready";
  });

async function fileOf(yaml: string): Promise<string> {
  const path = join(folder, "gateway.yaml");
  await writeFile(path, yaml);
  return path;
}

test("of one id REST wins over the environment, and that over the file; the applier moves with the endpoint", async (t) => {
  const GATEWAY_CONFIG = await fileOf(
    `nats_url: ${nats.url}\nprocessors:\n  - {id: p1, name: Eye, grpc_endpoint: "${endpointOf(0)}"}\n`,
  );
  const { gateway } = await start(t, { GATEWAY_CONFIG, NATS_URL: "" });
  await untilReady("p1", endpointOf(0));
  assert.partialDeepStrictEqual(await viewOf("p1"), { name: "Eye", source: "file" });
  assert.equal((await send("POST", "/p1/observe", { strings: ["a"] })).status, 200);

  await gateway.restart({ KATO_PROCESSORS: JSON.stringify({ p1: endpointOf(1) }) });
  await untilReady("p1", endpointOf(1));
  assert.partialDeepStrictEqual(await viewOf("p1"), { name: "p1", source: "environment" });
  // The instance itself is asked, as the gateway may still tell what the last applier reported.
  const instance = new KatoClient(endpointOf(1));
  t.after(() => instance.close());
  await until("it is rebuilt in the other instance", async () => {
    return JSON.stringify(await instance.workingMemory()) === '[["a"]]';
  });

  // Without the variable there is only the file, which counts less than what the variable has left behind.
  await gateway.restart({ KATO_PROCESSORS: "" });
  await until("it is said", () => gateway.output().includes("registered by a stronger source"));
  assert.partialDeepStrictEqual(await viewOf("p1"), { source: "environment", endpoint: endpointOf(1) });

  const put = await send("PUT", "/processors/p1", { name: "By hand", grpc_endpoint: endpointOf(0) });
  assert.deepEqual([put.status, put.json.source], [200, "rest"], put.text);
  await untilReady("p1", endpointOf(0));
  await gateway.restart({ KATO_PROCESSORS: JSON.stringify({ p1: endpointOf(1) }) });
  await untilGatewayReady(sendTo(gateway.url));
  assert.partialDeepStrictEqual(await viewOf("p1"), { name: "By hand", endpoint: endpointOf(0) });

  assert.equal((await send("DELETE", "/processors/p1")).status, 200);
  const other = sendTo(gateway.url);
  await until("the other gateway knows", async () => (await other("GET", "/processors/p1")).status === 404);
  await gateway.restart({ KATO_PROCESSORS: "" });
  await untilReady("p1", endpointOf(0));
  assert.equal((await viewOf("p1")).source, "file");
});

test("an endpoint without an id is asked for its id until it answers", async (t) => {
  const port = await freePort();
  await start(t, { KATO_LEFT: endpointOf(2), KATO_LATE: `127.0.0.1:${port}` });
  await untilReady("asked", endpointOf(2));
  assert.partialDeepStrictEqual(await viewOf("asked"), { name: "LEFT", source: "environment" });
  const late = await startSimulatorHere({ MANIFEST: '{"id": "late"}' }, port);
  t.after(() => late.stop());
  await untilReady("late", `127.0.0.1:${port}`);
  assert.equal((await send("POST", "/late/observe", { strings: ["a"] })).status, 200);
});

test("an answered id that is no id, is named twice or belongs to REST is said once and changes nothing", async (t) => {
  assert.ok((await send("PUT", "/processors/asked", { grpc_endpoint: endpointOf(2) })).status < 300);
  const { gateway } = await start(t, {
    KATO_NO_ID: endpointOf(3),
    KATO_OF_REST: endpointOf(2),
    KATO_TWIN: endpointOf(0),
    KATO_NAMED: `p1:${endpointOf(1)}`,
  });
  for (const [setting, said] of [
    ["KATO_NO_ID", /"connect\\?" is not a processor id/],
    ["KATO_OF_REST", /registered by a stronger source/],
    ["KATO_TWIN", /KATO_NAMED names p1 too/],
  ] as const) {
    const lines = () =>
      gateway
        .output()
        .split("\n")
        .filter((line) => line.includes(`"${setting}"`));
    await until(`${setting} is told`, () => lines().length > 0);
    assert.match(lines().join("\n"), said);
    assert.equal(lines().length, 1);
  }
  assert.equal((await send("GET", "/processors/connect")).status, 404);
  assert.partialDeepStrictEqual(await viewOf("asked"), { name: "LEFT", source: "rest" });
  assert.equal((await viewOf("p1")).endpoint, endpointOf(1));
});

test("a processor that the settings do not name any more stays, and this is said", async (t) => {
  const { gateway } = await start(t, { KATO_GONE: `gone:${endpointOf(2)}` });
  await until("it is registered", async () => (await viewOf("gone")).source === "environment");
  await gateway.restart({ KATO_GONE: "", LOG_LEVEL: "info" });
  await untilGatewayReady(sendTo(gateway.url));
  assert.equal((await viewOf("gone")).source, "environment");
  await until("it is said", () => /registered by earlier settings and kept/.test(gateway.output()));
});

test("a forbidden endpoint is refused over REST, and the worker does not connect to it however it was registered", async (t) => {
  for (const grpc_endpoint of ["169.254.169.254:80", "[fe80::1]:1441", "[fd00:ec2::254]:80"]) {
    const { status, json } = await send("PUT", "/processors/evil", { grpc_endpoint });
    assert.deepEqual([status, (json.errors as { field: string }[])[0]?.field], [422, "grpc_endpoint"]);
  }
  assert.equal((await send("GET", "/processors/evil")).status, 404);

  const strict = await start(t, { ENDPOINT_ALLOW: "kato.example, 127.0.0.0/30, 192.0.2.1" });
  const refused = await strict.send("PUT", "/processors/confined", { grpc_endpoint: "127.0.0.9:1" });
  assert.deepEqual([refused.status, /ENDPOINT_ALLOW/.test(refused.text)], [422, true]);
  const allowed = await strict.send("PUT", "/processors/confined", { grpc_endpoint: endpointOf(4) });
  assert.equal(allowed.status, 201);
  await untilReady("confined", endpointOf(4));
  // The worker has no such list, and trusts nobody who came over REST with what is not on its own machine.
  const outside = await strict.send("PUT", "/processors/outside", { grpc_endpoint: "192.0.2.1:1441" });
  assert.equal(outside.status, 201);
  await until("it is down, and it is said what to set", async () => {
    const { state, reason } = await viewOf("outside");
    return (
      state === "down" && /not allowed: .* came over REST .*ENDPOINT_ALLOW.*: set it/.test(String(reason))
    );
  });

  await worker.restart({ ENDPOINT_ALLOW: "10.0.0.0/8" });
  await until("it is down, and it is said why", async () => {
    const { state, reason } = await viewOf("confined");
    return state === "down" && /not allowed: .*ENDPOINT_ALLOW/.test(String(reason));
  });
  const command = await send("POST", "/confined/observe", { strings: ["a"] });
  assert.deepEqual([command.status, command.json.effect], [503, "none"]);
  await worker.restart({ ENDPOINT_ALLOW: "localhost, 127.0.0.1" });
  await untilReady("confined", endpointOf(4));
  assert.equal((await send("POST", "/confined/observe", { strings: ["a"] })).status, 200);
});
