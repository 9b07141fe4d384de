import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Metadata } from "@grpc/grpc-js";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { GrpcProxy } from "../../fixtures/grpc-proxy.ts";
import { startGrpcProxy } from "../../fixtures/grpc-proxy.ts";
import type { OtlpReceiver, ReceivedSpan } from "../../fixtures/otlp-receiver.ts";
import { startOtlpReceiver } from "../../fixtures/otlp-receiver.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const tracestate = "congo=t61rcWkgMzE";

let receiver: OtlpReceiver;
let system: System;
let proxy: GrpcProxy;
const calls: { method: Method; metadata: Metadata }[] = [];

/** Starts it all, without any variable of OpenTelemetry's but those that are given. */
async function start(env: NodeJS.ProcessEnv, services: { gateway: string; worker: string }): Promise<void> {
  const serviceName = (OTEL_SERVICE_NAME: string) => ({ ...env, OTEL_SERVICE_NAME });
  system = await startSystem({
    gatewayEnv: serviceName(services.gateway),
    workerEnv: serviceName(services.worker),
    between: async (port) => {
      proxy = await startGrpcProxy(port, (method, metadata) => {
        calls.push({ method, metadata });
        return undefined;
      });
      return proxy.port;
    },
  });
}
async function stop(): Promise<void> {
  proxy?.stop();
  await system?.stop();
}
/** The trace headers of the latest call of this method to the instance. */
const toldOf = (method: Method) => {
  const { metadata } = calls.findLast((call) => call.method === method) ?? {};
  return { traceparent: metadata?.get("traceparent"), tracestate: metadata?.get("tracestate") };
};
const nothing = { traceparent: [], tracestate: [] };
const observe = (headers: Record<string, string>) =>
  system.request("POST", "/p1/observe", { strings: ["a"] }, headers);
const observed = () => calls.filter(({ method }) => method === "Observe").length;

before(async () => {
  receiver = await startOtlpReceiver();
  await start({}, { gateway: "", worker: "" });
});
after(async () => {
  await stop();
  await receiver?.stop();
});

test("without OpenTelemetry the instance is given the trace headers of the client", async () => {
  const both = { traceparent: [traceparent], tracestate: [tracestate] };
  assert.equal((await observe({ traceparent, tracestate })).status, 200);
  assert.deepEqual(toldOf("Observe"), both);
  await system.succeed("GET", "/p1/working-memory", undefined, { traceparent, tracestate });
  assert.deepEqual(toldOf("GetWorkingMemory"), both);
  await system.succeed("POST", "/p1/learn", {}, { traceparent });
  assert.deepEqual(toldOf("Learn"), { traceparent: [traceparent], tracestate: [] });
});

test("a command that nobody waits for keeps its trace in the log, whether alone, in a sequence or in bulk", async () => {
  const send = [
    () => observe({ prefer: "respond-async", traceparent }),
    () => system.request("POST", "/p1/observations", { observations: [{ strings: ["b"] }] }, { traceparent }),
    () =>
      system.request("POST", "/p1/observe-sequence", { observations: [{ strings: ["c"] }] }, { traceparent }),
  ];
  for (const [index, request] of send.entries()) {
    const before = observed();
    const { status, text } = await request();
    assert.ok(status < 300, text);
    await until("it is applied", () => observed() > before);
    assert.deepEqual(toldOf("Observe"), { traceparent: [traceparent], tracestate: [] }, String(index));
  }
});

test("without a valid trace the instance is given none", async () => {
  for (const headers of [
    {},
    { traceparent: "nonsense", tracestate },
    { traceparent: `${traceparent}-more` },
  ]) {
    assert.equal((await observe(headers as Record<string, string>)).status, 200);
    assert.deepEqual(toldOf("Observe"), nothing);
  }
});

/** The spans of these names, in this order, among those that `find` accepts, once all of them have come. */
async function spansOf(find: (span: ReceivedSpan) => boolean, names: string[]): Promise<ReceivedSpan[]> {
  return until(`there are ${names}`, () => {
    const found = receiver.spans.filter(find);
    const wanted = names.flatMap((name) => found.find((span) => span.name === name) ?? []);
    return wanted.length === names.length && wanted;
  });
}

test("with OpenTelemetry one trace goes from the HTTP request over the queue to the call", async () => {
  await stop();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
  };
  await start(env, { gateway: "the gateway", worker: "" });
  const { headers } = await observe({ traceparent, tracestate });
  const [http, applied, call] = await spansOf(
    (span) => span.traceId === traceId,
    ["POST /:id/observe", "apply Observe", "kato_proc.KatoEngine/Observe"],
  );
  assert.equal(http?.parentSpanId, "b7ad6b7169203331");
  assert.equal(applied?.parentSpanId, http?.spanId);
  assert.equal(call?.parentSpanId, applied?.spanId);
  assert.deepEqual(
    [http?.service, applied?.service, call?.service],
    ["the gateway", "kato-worker", "kato-worker"],
  );
  assert.deepEqual(toldOf("Observe"), {
    traceparent: [`00-${traceId}-${call?.spanId}-01`],
    tracestate: [tracestate],
  });
  assert.equal(http?.attributes["http.response.status_code"], 200);
  assert.equal(http?.attributes["kato.processor"], "p1");
  assert.equal(applied?.attributes["kato.sequence"], Number(headers["kato-sequence"]));
  assert.equal(applied?.attributes["kato.command"], headers["kato-command"]);
});

test("a query is in the trace of its request, and a request without a trace begins one", async () => {
  assert.equal((await system.request("GET", "/p1/working-memory")).status, 200);
  const [http] = await spansOf(() => true, ["GET /:id/working-memory"]);
  assert.equal(http?.parentSpanId, undefined);
  const [, answer, call] = await spansOf(
    (span) => span.traceId === http?.traceId,
    ["GET /:id/working-memory", "answer GetWorkingMemory", "kato_proc.KatoEngine/GetWorkingMemory"],
  );
  assert.equal(answer?.parentSpanId, http?.spanId);
  assert.equal(call?.parentSpanId, answer?.spanId);
});

test("a command that nobody waits for has a trace of its own, with a link to the request", async () => {
  const { json } = await observe({ prefer: "respond-async" });
  const [applied] = await spansOf(
    ({ attributes }) => attributes["kato.command"] === json.command,
    ["apply Observe"],
  );
  const [http] = await spansOf(
    ({ attributes }) => attributes["kato.command"] === json.command,
    ["POST /:id/observe"],
  );
  assert.notEqual(applied?.traceId, http?.traceId);
  assert.equal(applied?.parentSpanId, undefined);
  assert.deepEqual(
    applied?.links.map((link) => [link.traceId, link.spanId]),
    [[http?.traceId, http?.spanId]],
  );
  await spansOf(({ traceId: id }) => id === applied?.traceId, ["kato_proc.KatoEngine/Observe"]);
});

test("an instance that is away is an error in its span, a client's own mistake is not", async () => {
  await system.request("POST", "/p1/observe", { strings: [1] });
  await until("its span is there", () =>
    receiver.spans.some(
      ({ attributes, status }) => attributes["kato.outcome"] === "INVALID_INPUT" && !status.code,
    ),
  );
  proxy.stop();
  await until("it shows", async () => (await observe({ prefer: "wait=1" })).status === 503);
  await until("its span is there", () =>
    receiver.spans.some(({ attributes, status }) => {
      return attributes["error.type"] === "INSTANCE_UNAVAILABLE" && status.code === 2;
    }),
  );
});

test("a collector that is away delays nothing, and the services still stop cleanly", async () => {
  await receiver.stop();
  assert.equal((await system.request("GET", "/kato-api/ping")).status, 200);
  assert.equal(await system.gateway.stop(), "exit code 0");
  assert.equal(await system.worker.stop(), "exit code 0");
  assert.ok(!system.worker.output().includes('"level":50'), system.worker.output());
});
