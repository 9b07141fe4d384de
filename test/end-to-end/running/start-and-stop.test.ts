import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { test } from "node:test";
import { sender } from "../../fixtures/http-client.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { startProgram } from "../../fixtures/processes.ts";
import { startDiscovery, startGateway, startSimulatorProcess, startWorker } from "../../fixtures/services.ts";
import { startSystem, untilUsable } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

const waiting = /waiting for it/;

/** Runs a service that must not start; says how it ended and what it said. */
async function failToStart(service: string, env: NodeJS.ProcessEnv) {
  const file = resolve(import.meta.dirname, `../../../services/${service}/main.ts`);
  const started = startProgram({ name: service, command: process.execPath, args: [file], env });
  const ended = await started.exited;
  return { ended, output: started.output() };
}

test("gateway and worker wait for a NATS that is not there yet, say so, and go on when it comes", async (t) => {
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

  const send = sender(gateway.url);
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
});

test("a service that waits for NATS stops cleanly", async () => {
  const natsUrl = "nats://127.0.0.1:9";
  const services = await Promise.all([
    startGateway({ natsUrl, ready: waiting }),
    startWorker({ natsUrl, ready: waiting }),
    startDiscovery({ natsUrl, ready: waiting, env: { DISCOVERY: "docker", DOCKER_HOST: "unix:///nowhere" } }),
  ]);
  for (const service of services) assert.equal(await service.stop(), "exit code 0");
});

test("a service stops cleanly while NATS is away", async (t) => {
  const system = await startSystem();
  t.after(() => system.stop());
  assert.equal((await system.request("POST", "/p1/observe", { strings: ["a"] })).status, 200);
  await system.nats.kill();
  assert.deepEqual(await Promise.all([system.gateways[0]?.stop(), system.worker.stop()]), [
    "exit code 0",
    "exit code 0",
  ]);
});

test("replicas on a NATS that does not keep compare-and-set in them stop the start of each service", async (t) => {
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
  const listen = {
    GATEWAY_PORT: "0",
    DISCOVERY_PORT: "0",
    DISCOVERY: "docker",
    DOCKER_HOST: "tcp://127.0.0.1:9",
  };
  for (const service of ["gateway", "worker", "discovery"]) {
    const { ended, output } = await failToStart(service, { NATS_URL, NATS_REPLICAS: "3", ...listen });
    assert.match(ended, /1/, service);
    assert.match(
      output,
      /wrong settings: NATS_REPLICAS is 3, .* 2\.11\.0 or newer; this is 2\.10\.29/,
      service,
    );
  }
});

test("wrong settings stop a service at once, each named in one message", async () => {
  const wrong = { NATS_REPLICAS: "6", LOG_MAX_BYTES: "1.5", LOG_LEVEL: "loud" };
  const [gateway, worker] = await Promise.all([
    failToStart("gateway", {
      ...wrong,
      GATEWAY_PORT: "65536",
      GATEWAY_LEGACY_ERRORS: "perhaps",
      KATO_PROCESSORS: '{"p 1": "127.0.0.1:1441", "p2": "nowhere", "health": "127.0.0.1:1"}',
    }),
    failToStart("worker", { ...wrong, WORKER_PORT: "-1", CALL_TIMEOUT_MS: "soon" }),
  ]);
  for (const [{ ended, output }, names] of [
    [gateway, ["GATEWAY_PORT", "GATEWAY_LEGACY_ERRORS", '"p 1"', '"nowhere"', '"health"']],
    [worker, ["WORKER_PORT", "CALL_TIMEOUT_MS"]],
  ] as const) {
    assert.equal(ended, "exit code 1");
    const messages = output.split("\n").filter((line) => line.includes("wrong settings"));
    assert.equal(messages.length, 1, output);
    for (const name of [...Object.keys(wrong), ...names]) {
      assert.ok(messages[0]?.includes(name), `${name} is not named: ${output}`);
    }
    assert.doesNotMatch(output, /at .*\.ts:\d/);
  }
});

test("discovery that is not told what to watch, or whose cluster's configuration cannot be used, does not start", async () => {
  for (const [env, said] of [
    [{ DISCOVERY: "" }, /wrong settings: DISCOVERY must be docker, kubernetes or both/],
    [
      { DISCOVERY: "kubernetes", KUBECONFIG: "/nowhere" },
      /wrong settings: KUBECONFIG cannot be used: .*nowhere/,
    ],
  ] as const) {
    const { ended, output } = await failToStart("discovery", { DISCOVERY_PORT: "0", ...env });
    assert.equal(ended, "exit code 1");
    assert.match(output, said);
    assert.doesNotMatch(output, /at .*\.ts:\d/);
  }
});

test("processors that are no list and no object are a wrong setting", async () => {
  const texts = ["{", "5", '[{"id": "p1"}]', "[null]", '{"p1": 5}'];
  const outcomes = await Promise.all(
    texts.map((KATO_PROCESSORS) => failToStart("gateway", { KATO_PROCESSORS, GATEWAY_PORT: "0" })),
  );
  for (const [index, { ended, output }] of outcomes.entries()) {
    assert.equal(ended, "exit code 1", texts[index]);
    assert.match(output, /wrong settings: KATO_PROCESSORS /, texts[index]);
  }
});

test("an endpoint that is not allowed, and a file that is not there, stop a service, naming the setting", async () => {
  const outcomes = await Promise.all([
    failToStart("gateway", { KATO_EVIL: "169.254.169.254:80", GATEWAY_PORT: "0" }),
    failToStart("worker", { GATEWAY_CONFIG: "/nosuch.yaml", WORKER_PORT: "0" }),
    failToStart("worker", { ENDPOINT_ALLOW: "10.0.0.0/8, http://kato", WORKER_PORT: "0" }),
  ]);
  for (const [index, expected] of [
    /wrong settings: KATO_EVIL names an endpoint that is not allowed/,
    /wrong settings: GATEWAY_CONFIG cannot be read/,
    /wrong settings: ENDPOINT_ALLOW has "http:\/\/kato"/,
  ].entries()) {
    assert.equal(outcomes[index]?.ended, "exit code 1");
    assert.match(outcomes[index]?.output ?? "", expected);
  }
});

test("a NATS_URL that is none stops a service at once", async () => {
  for (const NATS_URL of ["nats://127.0.0.1:99999", "nats://"]) {
    const { ended, output } = await failToStart("worker", { NATS_URL, WORKER_PORT: "0" });
    assert.equal(ended, "exit code 1");
    assert.match(output, /NATS_URL/);
  }
});

test("a port that is taken stops a service, which says so", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  for (const [service, variable] of [
    ["gateway", "GATEWAY_PORT"],
    ["worker", "WORKER_PORT"],
  ] as const) {
    const { ended, output } = await failToStart(service, {
      NATS_URL: nats.url,
      [variable]: String(nats.port),
    });
    assert.equal(ended, "exit code 1");
    assert.match(output, /EADDRINUSE/);
  }
});

test("each service stops with exit code 0 while requests are under way, which are answered", async (t) => {
  const system = await startSystem({
    gateways: 2,
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "600" }),
  });
  t.after(() => system.stop());
  const [first, second] = system.gateways;
  const other = sender(second?.url ?? "");
  const body = { strings: ["a"] };
  const answers = [1, 2, 3].map(() => system.request("POST", "/p1/observe", body));
  answers.push(other("POST", "/p1/observe", body));
  await until("they are in the log", async () => {
    return Number((await other("GET", "/processors/p1")).json.applied) >= 1;
  });
  assert.equal(await first?.stop(), "exit code 0");
  for (const { status, text } of await Promise.all(answers)) assert.equal(status, 200, text);

  const last = other("POST", "/p1/learn");
  await until("it is under way", async () => {
    const { state, applied } = (await other("GET", "/processors/p1")).json;
    return state === "applying" && applied === 4;
  });
  const ends = await Promise.all([system.simulators[0]?.stop(), system.worker.stop(), second?.stop()]);
  assert.deepEqual(ends, ["exit code 0", "exit code 0", "exit code 0"]);
  assert.equal((await last).status, 200);
});
