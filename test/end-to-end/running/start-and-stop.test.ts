import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import {
  runToEnd,
  startDiscovery,
  startGateway,
  startSimulatorProcess,
  startWorker,
} from "../../fixtures/services.ts";
import { startSystem, untilUsable } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

const waiting = /waiting for it/;

test("gateway and worker wait for a NATS that is not there yet, go on when it comes, and stop cleanly without it", async (t) => {
  const nats = await startNats();
  await nats.kill();
  const instance = await startSimulatorProcess({ MANIFEST: '{"id": "p1"}' });
  const KATO_PROCESSORS = JSON.stringify({ p1: `127.0.0.1:${instance.port}` });
  const [gateway, worker] = await Promise.all([
    startGateway({ natsUrl: nats.url, env: { KATO_PROCESSORS }, ready: waiting }),
    startWorker({ natsUrl: nats.url, ready: waiting }),
  ]);
  t.after(async () => {
    for (const each of [gateway, worker, instance, nats]) await each.stop();
  });

  const send = sendTo(gateway.url);
  assert.deepEqual((await send("GET", "/health")).json, { status: "healthy", processors: 0 });
  assert.equal((await send("GET", "/ready")).status, 503);
  for (const path of ["/p1/observe", "/nobody/observe"]) {
    const refused = await send("POST", path, {});
    assert.equal(refused.status, 503);
    assert.match(refused.headers["retry-after"] ?? "", /^[1-9]\d*$/);
    assert.equal(refused.json.effect, "none");
  }

  await nats.restart();
  await untilUsable(gateway.url);
  assert.equal((await send("GET", "/ready")).status, 200);
  assert.equal((await send("POST", "/p1/observe", { strings: ["a"] })).status, 200);

  await nats.kill();
  const ends = await Promise.all([gateway.stop(), worker.stop()]);
  assert.deepEqual(ends, ["exit code 0", "exit code 0"]);
});

test("a service that still waits for NATS, or discovery for a gateway, stops cleanly", async () => {
  const natsUrl = "nats://127.0.0.1:9";
  const discovery = {
    DISCOVERY: "docker",
    DOCKER_HOST: "unix:///nowhere",
    GATEWAY_URL: "http://127.0.0.1:9",
  };
  const services = await Promise.all([
    startDiscovery({ env: discovery }),
    startGateway({ natsUrl, ready: waiting }),
    startWorker({ natsUrl, ready: waiting }),
  ]);
  const { status, json } = await sendTo(services[0].url)("GET", "/health");
  assert.deepEqual([status, json.status], [503, "no gateway"]);
  for (const service of services) assert.equal(await service.stop(), "exit code 0");
});

test("replicas on a NATS without compare-and-set in them stop the start of each service", async (t) => {
  const info = { server_id: "old", version: "2.10.29", proto: 1, headers: true, max_payload: 1_048_576 };
  const nats = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  t.after(() => nats.close());
  await once(nats, "listening");
  const NATS_URL = `nats://127.0.0.1:${(nats.address() as AddressInfo).port}`;
  const services = ["gateway", "worker"];
  const outcomes = await Promise.all(
    services.map((service) =>
      runToEnd(service, { NATS_URL, NATS_REPLICAS: "3", GATEWAY_PORT: "0", WORKER_PORT: "0" }),
    ),
  );
  for (const [index, { ended, output }] of outcomes.entries()) {
    assert.match(ended, /1/, services[index]);
    assert.match(
      output,
      /wrong settings: NATS_REPLICAS is 3, .* 2\.11\.0 or newer; this is 2\.10\.29/,
      services[index],
    );
  }
});

// The messages of each setting are tested in test/unit. Here it is what the process makes of them.
test("wrong settings stop a service at once, with one message that names each of them", async () => {
  const wrong = { NATS_REPLICAS: "6", LOG_MAX_BYTES: "1.5", LOG_LEVEL: "loud" };
  const outcomes = await Promise.all([
    runToEnd("gateway", {
      ...wrong,
      GATEWAY_PORT: "65536",
      GATEWAY_LEGACY_ERRORS: "perhaps",
      NATS_URL: "nats://127.0.0.1:99999",
      KATO_PROCESSORS: '{"p 1": "127.0.0.1:1441", "p2": "nowhere", "health": "127.0.0.1:1"}',
    }),
    runToEnd("worker", {
      ...wrong,
      WORKER_PORT: "-1",
      CALL_TIMEOUT_MS: "soon",
      NATS_URL: "nats://",
      ENDPOINT_ALLOW: "10.0.0.0/8, http://kato",
    }),
  ]);
  const expected = [
    ["GATEWAY_PORT", "GATEWAY_LEGACY_ERRORS", "NATS_URL", '"p 1"', '"nowhere"', '"health"'],
    ["WORKER_PORT", "CALL_TIMEOUT_MS", "NATS_URL", 'ENDPOINT_ALLOW has "http://kato"'],
  ];
  for (const [index, { ended, output }] of outcomes.entries()) {
    assert.equal(ended, "exit code 1");
    const messages = output.split("\n").filter((line) => line.includes("wrong settings"));
    assert.equal(messages.length, 1, output);
    const message = messages[0]?.replaceAll('\\"', '"');
    for (const name of [...Object.keys(wrong), ...(expected[index] ?? [])]) {
      assert.ok(message?.includes(name), `${name} is not named: ${output}`);
    }
    assert.doesNotMatch(output, /at .*\.ts:\d/);
  }
});

test("what shows only after the settings are read stops a service too, and names the setting", async () => {
  const outcomes = await Promise.all([
    runToEnd("gateway", { KATO_EVIL: "169.254.169.254:80", GATEWAY_PORT: "0" }),
    runToEnd("worker", { GATEWAY_CONFIG: "/nosuch.yaml", WORKER_PORT: "0" }),
    runToEnd("discovery", { DISCOVERY: "", DISCOVERY_PORT: "0" }),
    runToEnd("discovery", { DISCOVERY: "kubernetes", KUBECONFIG: "/nowhere", DISCOVERY_PORT: "0" }),
  ]);
  for (const [index, expected] of [
    /wrong settings: KATO_EVIL names an endpoint that is not allowed/,
    /wrong settings: GATEWAY_CONFIG cannot be read/,
    /wrong settings: DISCOVERY must be docker, kubernetes or both/,
    /wrong settings: KUBECONFIG cannot be used: .*nowhere/,
  ].entries()) {
    const { ended = "", output = "" } = outcomes[index] ?? {};
    assert.equal(ended, "exit code 1");
    assert.match(output, expected);
    assert.doesNotMatch(output, /at .*\.ts:\d/);
  }
});

test("a port that is taken stops a service, which says so", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const common = { NATS_URL: nats.url };
  const outcomes = await Promise.all([
    runToEnd("gateway", { ...common, GATEWAY_PORT: String(nats.port) }),
    runToEnd("worker", { ...common, WORKER_PORT: String(nats.port) }),
  ]);
  for (const { ended, output } of outcomes) {
    assert.equal(ended, "exit code 1");
    assert.match(output, /EADDRINUSE/);
  }
});

test("each service stops with exit code 0 while requests are under way, and these are answered", async (t) => {
  const system = await startSystem({
    gateways: 2,
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "600" }),
  });
  t.after(() => system.stop());
  const [first, second] = system.gateways;
  assert.ok(first && second);
  const other = sendTo(second.url);
  const body = { strings: ["a"] };
  const answers = [1, 2, 3].map(() => system.request("POST", "/p1/observe", body));
  answers.push(other("POST", "/p1/observe", body));
  await until("they are in the log", async () => {
    return Number((await other("GET", "/processors/p1")).json.applied) >= 1;
  });
  assert.equal(await first.stop(), "exit code 0");
  for (const { status, text } of await Promise.all(answers)) assert.equal(status, 200, text);

  const last = other("POST", "/p1/learn");
  await until("it is under way", async () => {
    const { state, applied } = (await other("GET", "/processors/p1")).json;
    return state === "applying" && applied === 4;
  });
  // A Learn is several calls. The instance has to be there until the last of them.
  const ends = await Promise.all([system.worker.stop(), second.stop()]);
  assert.deepEqual(ends, ["exit code 0", "exit code 0"]);
  assert.equal((await last).status, 200);
  assert.equal(await system.simulator.stop(), "exit code 0");
});
