import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import type { TcpProxy } from "../../fixtures/tcp-proxy.ts";
import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
const proxies: TcpProxy[] = [];

before(async () => {
  system = await startSystemHere({
    processors: [{ id: "p1" }, { id: "p2" }],
    between: async (port) => {
      const proxy = await startTcpProxy(port);
      proxies.push(proxy);
      return proxy.port;
    },
  });
});
after(async () => {
  await system?.stop();
  for (const proxy of proxies) await proxy.stop();
});

/** Each series that a service serves, with its value. */
async function scrape(url: string): Promise<Map<string, number>> {
  const { headers, text } = await sendTo(url)("GET", "/metrics");
  assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}
const gatewayMetrics = () => scrape(system.gateway.url);
const workerMetrics = () => scrape(system.worker.url);
const seriesOf = (metrics: Map<string, number>, name: string, containing = "") =>
  Object.fromEntries(
    [...metrics].filter(([series]) => series.startsWith(`${name}{`) && series.includes(containing)),
  );

test("the gateway counts requests by processor and outcome, and times them by method and outcome", async () => {
  await system.succeed("POST", "/p1/observe", { strings: ["a"] });
  await system.request("POST", "/p1/observe", { strings: [1] });
  await system.request("POST", "/nobody/observe", { strings: ["a"] });
  await system.request("GET", "/no/such/path?p1");
  const metrics = await gatewayMetrics();
  assert.deepEqual(seriesOf(metrics, "kato_http_request_seconds_count", "observe"), {
    'kato_http_request_seconds_count{method="POST /:id/observe",outcome="okay"}': 1,
    'kato_http_request_seconds_count{method="POST /:id/observe",outcome="INVALID_INPUT"}': 1,
    'kato_http_request_seconds_count{method="POST /:id/observe",outcome="PROCESSOR_NOT_FOUND"}': 1,
  });
  assert.equal(metrics.get('kato_http_request_seconds_count{method="",outcome="ROUTE_NOT_FOUND"}'), 1);
  assert.equal(metrics.get('kato_http_requests_total{processor="p1",outcome="okay"}'), 1);
  assert.equal(metrics.get('kato_http_requests_total{processor="",outcome="PROCESSOR_NOT_FOUND"}'), 1);
  assert.equal([...metrics.keys()].filter((series) => series.includes("nobody")).length, 0);
  assert.equal(metrics.get('kato_processor_request_seconds_count{processor="p1"}'), 1);
  assert.equal(metrics.get("kato_processors"), 2);
  assert.equal(metrics.get("kato_processors_unowned"), 0);
});

test("the worker counts commands, times their wait and their call, and tells the state of each processor", async () => {
  await system.succeed("POST", "/p1/learn");
  const metrics = await workerMetrics();
  assert.equal(metrics.get('kato_commands_total{processor="p1",outcome="applied"}'), 2);
  assert.equal(metrics.get('kato_queue_wait_seconds_count{method="Learn"}'), 1);
  assert.ok(Number(metrics.get('kato_queue_wait_seconds_sum{method="Learn"}')) < 30);
  assert.equal(metrics.get('kato_grpc_call_seconds_count{method="Learn",outcome="response"}'), 1);
  assert.equal(metrics.get('kato_processor_call_seconds_count{processor="p1"}'), 2);
  assert.equal(metrics.get('kato_queue_depth{processor="p1"}'), 0);
  assert.equal(metrics.get('kato_applied_sequence{processor="p1"}'), 2);
  assert.equal(metrics.get('kato_processor_state{processor="p1"}'), 0);
  assert.ok(Number(metrics.get('kato_apply_rate{processor="p1"}')) >= 0);
  assert.equal(metrics.get('kato_lease_changes_total{outcome="taken"}'), 2);
  assert.equal(metrics.get("kato_nats_reconnects_total"), 0);
});

test("how long the calls of a processor's commands took is in what GET /processors tells of it", async () => {
  // A report may come between the two commands.
  const latency = await until("both are reported", async () => {
    const { json } = await system.request("GET", "/processors/p1");
    const reported = json.latency as Record<string, number> | undefined;
    return reported?.count === 2 && reported;
  });
  const { p50_ms = 0, p95_ms = 0, p99_ms = 0 } = latency;
  assert.ok(p50_ms > 0 && p50_ms <= p95_ms && p95_ms <= p99_ms, JSON.stringify(latency));
  const { processors } = (await system.request("GET", "/processors")).json;
  const listed = Array.isArray(processors) ? processors.map((view) => view.latency?.count) : [];
  assert.deepEqual(listed, [2, undefined], "p2 has not applied anything");
});

test("a command that fails and that nobody waited for is counted as failed and as a dead letter", async () => {
  const { status } = await system.request("DELETE", "/p1/model/nosuch", undefined, {
    prefer: "respond-async",
  });
  assert.equal(status, 202);
  await until("it has failed", async () => {
    const metrics = await workerMetrics();
    return metrics.get('kato_dead_letters_total{processor="p1"}') === 1;
  });
  assert.equal((await workerMetrics()).get('kato_commands_total{processor="p1",outcome="failed"}'), 1);
});

test("each new connection to an instance and to NATS is counted", async () => {
  for (const proxy of proxies) proxy.cut();
  await until("the instance is back", async () => {
    const metrics = await workerMetrics();
    return metrics.get('kato_instance_reconnects_total{processor="p2"}') === 1;
  });
  await system.nats.kill();
  await system.nats.restart();
  for (const metrics of [workerMetrics, gatewayMetrics]) {
    await until("NATS is back", async () => Number((await metrics()).get("kato_nats_reconnects_total")) >= 1);
  }
});

test("gateway and worker tell how late their event loop is", async () => {
  for (const metrics of [await gatewayMetrics(), await workerMetrics()]) {
    assert.ok(Number(metrics.get("nodejs_eventloop_lag_p99_seconds")) > 0);
  }
});

test("no metric of the project has other labels than processor, method and outcome", async () => {
  for (const metrics of [await gatewayMetrics(), await workerMetrics()]) {
    const labels = [...metrics.keys()]
      .filter((series) => series.startsWith("kato_"))
      .flatMap((series) => [...series.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
    assert.deepEqual([...new Set(labels)].sort(), ["le", "method", "outcome", "processor"]);
  }
});

test("the series of a processor go when it is removed", async () => {
  await until("it can be used", async () => (await system.request("POST", "/p2/observe", {})).status === 200);
  const ofP2 = (metrics: Map<string, number>) =>
    [...metrics.keys()].filter((series) => series.includes('"p2"'));
  assert.ok(ofP2(await gatewayMetrics()).length > 0);
  assert.ok(ofP2(await workerMetrics()).length > 3);
  await until("it is removed", async () => (await system.request("DELETE", "/processors/p2")).status === 200);
  assert.deepEqual(ofP2(await gatewayMetrics()), []);
  await until("the worker has left it", async () => ofP2(await workerMetrics()).length === 0);
  await system.request("GET", "/p2/ping");
  assert.deepEqual(ofP2(await gatewayMetrics()), []);
});
