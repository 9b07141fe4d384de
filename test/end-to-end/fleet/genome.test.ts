import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import { startGatewayHere, startSimulatorHere } from "../../fixtures/services-here.ts";
import { untilUsable } from "../../fixtures/system.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: [
      { id: "p46b6b076c", name: "P1" },
      { id: "pd5d9e6c4c", name: "P2", persistence: 7, recall_threshold: 0.3 },
    ],
    gatewayEnv: { KATO_SERVICE_PORT: "tcp://10.0.0.1:1441", KATO_TOKEN: "a:b" },
  });
});
after(() => system?.stop());

test("the gateway answers its own ping and health", async () => {
  const ping = await system.request("GET", "/kato-api/ping");
  assert.deepEqual([ping.status, ping.json], [200, { status: "okay" }]);
  const health = await system.request("GET", "/health");
  assert.deepEqual([health.status, health.json], [200, { status: "healthy", processors: 2 }]);
  assert.equal((await system.request("GET", "/ready")).status, 200);
});

test("the genome has a node for each processor, with its genes", async () => {
  const { status, json } = await system.request("GET", "/connect");
  assert.equal(status, 200);
  assert.equal(json.status, "okay");
  assert.equal(json.connection, "okay");
  assert.equal(typeof json.genie, "string");
  const genome = json.genome as { agent: string; description: string; elements: object };
  assert.equal(typeof genome.agent, "string");
  assert.equal(typeof genome.description, "string");
  assert.equal("id" in genome, false);
  const common = { classifier: "CVC", max_predictions: 100, search_depth: 10 };
  assert.deepEqual(genome.elements, {
    nodes: [
      { data: { ...common, name: "p46b6b076c", id: "p46b6b076c", recall_threshold: 0.1, persistence: 5 } },
      { data: { ...common, name: "pd5d9e6c4c", id: "pd5d9e6c4c", recall_threshold: 0.3, persistence: 7 } },
    ],
  });
});

test("each processor is listed with its endpoint and its state", async () => {
  await system.succeed("POST", "/p46b6b076c/clear-all-memory");
  const observed = await system.request("POST", "/p46b6b076c/observe", { strings: ["a"] });
  const sequence = Number(observed.headers["kato-sequence"]);
  await until("the worker has reported it", async () => {
    const { json } = await system.request("GET", "/processors/p46b6b076c");
    return json.applied === sequence && json.state === "ready";
  });
  const { processors } = (await system.request("GET", "/processors")).json as {
    processors: Record<string, unknown>[];
  };
  assert.deepEqual(
    processors.map(({ id }) => id),
    ["p46b6b076c", "pd5d9e6c4c"],
  );
  const { since, worker, rate } = processors[0] ?? {};
  assert.partialDeepStrictEqual(processors[0], {
    id: "p46b6b076c",
    name: "p46b6b076c",
    endpoint: `127.0.0.1:${system.simulator.port}`,
    source: "environment",
    paused: false,
    healthy: true,
    state: "ready",
    last: sequence,
    applied: sequence,
    depth: 0,
    interval: 1,
  });
  assert.ok(Date.now() - Date.parse(String(since)) < 60_000);
  assert.equal(typeof worker, "string");
  assert.equal(typeof rate, "number");
  const one = await system.request("GET", "/processors/p46b6b076c");
  assert.equal(one.json.id, "p46b6b076c");
  assert.equal(one.json.applied, sequence);
});

test("what one processor was told is not in another", async () => {
  await system.succeed("POST", "/p46b6b076c/clear-all-memory");
  await system.succeed("POST", "/pd5d9e6c4c/clear-all-memory");
  await system.succeed("POST", "/p46b6b076c/observe", { strings: ["of p1"] });
  const { json } = await system.request("POST", "/pd5d9e6c4c/observe", { strings: ["of p2"] });
  assert.equal(json.id, "pd5d9e6c4c");
  assert.equal(json.interval, 1);
  const first = await system.request("GET", "/p46b6b076c/working-memory");
  assert.deepEqual(first.json.message, [["of p1"]]);
});

test("with one processor the genome has its id, even when nobody runs the processor", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const KATO_PROCESSORS = '[{"id": "p1", "name": "Only", "grpc_endpoint": "127.0.0.1:9"}]';
  const gateway = await startGatewayHere({ natsUrl: nats.url, env: { KATO_PROCESSORS } });
  t.after(() => gateway.stop());
  const send = sendTo(gateway.url);
  await until("it is ready", async () => (await send("GET", "/ready")).status === 200);
  const { genome } = (await send("GET", "/connect")).json as {
    genome: { id: string; elements: { nodes: { data: object }[] } };
  };
  assert.equal(genome.id, "p1");
  assert.deepEqual(genome.elements.nodes, [
    {
      data: {
        name: "Only",
        id: "p1",
        classifier: "CVC",
        search_depth: 10,
        max_predictions: null,
        recall_threshold: null,
        persistence: null,
      },
    },
  ]);
  const { healthy, state } = (await send("GET", "/processors/p1")).json;
  assert.deepEqual({ healthy, state }, { healthy: false, state: "unowned" });
});

let eye: ServiceHere | undefined;
after(() => eye?.stop());

test("a variable of the form id:host:port names a processor", async (t) => {
  eye = await startSimulatorHere({ MANIFEST: '{"id": "eye_1"}' });
  const env = { KATO_EXTRA_EYE: `eye_1:127.0.0.1:${eye.port}`, KATO_UNRELATED: "x:y" };
  const gateway = await startGatewayHere({ natsUrl: system.nats.url, env });
  t.after(() => gateway.stop());
  await untilUsable(gateway.url);
  const { name, source } = (await sendTo(gateway.url)("GET", "/processors/eye_1")).json;
  assert.deepEqual({ name, source }, { name: "EXTRA_EYE", source: "environment" });
});

test("a gateway whose settings name no processor knows those of the registry", async (t) => {
  const gateway = await startGatewayHere({ natsUrl: system.nats.url });
  t.after(() => gateway.stop());
  await untilUsable(gateway.url);
  const send = sendTo(gateway.url);
  const known = (await system.request("GET", "/health")).json.processors;
  assert.ok(Number(known) >= 2);
  assert.equal((await send("GET", "/health")).json.processors, known);
  assert.equal((await send("POST", "/pd5d9e6c4c/observe", {})).status, 200);
});
