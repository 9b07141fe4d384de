import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { Deed, GrpcProxy, Script } from "../../fixtures/grpc-proxy.ts";
import { startGrpcProxy } from "../../fixtures/grpc-proxy.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let script: Script = () => undefined;
/** The calls since `play`. */
let calls: Method[] = [];
const play = (next: Script) => {
  calls = [];
  script = next;
};

let system: SystemHere;
let proxy: GrpcProxy;
before(async () => {
  system = await startSystemHere({
    workerEnv: { LOG_LEVEL: "silent", CALL_TIMEOUT_MS: "1000" },
    gatewayEnv: { LOG_LEVEL: "silent" },
    between: async (port) => {
      proxy = await startGrpcProxy(port, (method, metadata) => {
        calls.push(method);
        return script(method, metadata);
      });
      return proxy.port;
    },
  });
});
after(async () => {
  proxy?.stop();
  await system?.stop();
});
beforeEach(async () => {
  play(() => undefined);
  await until("the processor goes on", async () => (await send("GET", "/ping")).status === 200);
  await setLength(0);
  await send("POST", "/clear-all-memory");
  assert.equal((await send("POST", "/observe", { strings: ["first"] })).status, 200);
});

const send = (verb: string, path: string, body?: unknown) =>
  system.request(verb, `/p1${path}`, body, { prefer: "wait=2" });
const setLength = (max_sequence_length: number) => send("POST", "/genes/change", { max_sequence_length });
const nonsense = Buffer.from([0x0a, 0xff]);
const events = async () => ((await send("GET", "/working-memory")).json.message as string[][]).flat();

test("an Observe is there once although the instance then fails to tell what it has learned (A3)", async () => {
  await setLength(3);
  assert.equal((await send("POST", "/observe", { strings: ["second"] })).status, 200);
  let failures = 0;
  play((method) => {
    if (method !== "GetWorkingMemory" || !calls.includes("Observe") || failures > 0) return undefined;
    failures++;
    return "failed";
  });
  const { status: code, json, text } = await send("POST", "/observe", { strings: ["third"] });
  assert.equal(failures, 1);
  assert.doesNotMatch(text, /Traceback|server\.py/);
  if (code !== 200) assert.equal(json.effect, "unknown", text);
  assert.equal((await send("POST", "/observe", { strings: ["fourth"] })).status, 200);
  assert.deepEqual(await events(), ["third", "fourth"]);
});

test("an Observe whose answer is not a message is not called again (A3)", async () => {
  play((method) => (method === "Observe" && calls.length === 1 ? nonsense : undefined));
  const { json } = await send("POST", "/observe", { strings: ["never there"] });
  assert.equal(json.effect, "unknown");
  assert.equal((await send("POST", "/observe", { strings: ["next"] })).status, 200);
  assert.deepEqual(
    (await events()).filter((text) => text === "next"),
    ["next"],
  );
});

test("a command is not skipped because an answer made no sense while it was being settled (A3)", async () => {
  play((method) => {
    const asked = calls.filter((call) => call === method).length;
    if (method === "Learn" && asked === 1) return "nothing";
    // The first one comes before the Learn. The next ones come while the Learn is being settled.
    return method === "GetWorkingMemory" && asked > 1 && asked < 5 ? nonsense : undefined;
  });
  const { status: code, text } = await system.request("POST", "/p1/learn", undefined, { prefer: "wait=10" });
  assert.equal(code, 200, text);
  assert.equal(calls.filter((method) => method === "Learn").length, 2);
  assert.deepEqual(await events(), []);
});

test("when the answer to one step makes no sense no other step is skipped (A2)", async () => {
  // The Observe of the first step was done. Reconciling proves that, and the next one has to be called.
  let tampered = 0;
  play((method) => (method === "Observe" && tampered++ === 0 ? "garbled" : undefined));
  const observations = [{ strings: ["one"] }, { strings: ["two"] }];
  const { status: code, json } = await system.request(
    "POST",
    "/p1/observe-sequence",
    { observations, learn_at_end: true },
    { prefer: "wait=10" },
  );
  assert.ok(code === 200 || json.effect === "unknown", JSON.stringify(json));
  assert.deepEqual(await events(), []);
  const model = encodeURIComponent(modelName([["first"], ["one"], ["two"]]));
  assert.equal(((await send("GET", `/model/${model}`)).json.message as { frequency: number }).frequency, 1);
});

test("a change of genes without an answer is not said to have had no effect", async () => {
  play((method) => (method === "UpdateGenes" && calls.length < 3 ? "nothing" : undefined));
  const { status: code, json } = await send("POST", "/genes/change", { persistence: 7 });
  if (code === 200) assert.equal((await send("GET", "/gene/persistence")).json.message, 7);
  else assert.deepEqual([code, json.effect], [504, "unknown"]);
});

test("a recall threshold that cannot be read is an error, and the processor goes on", async () => {
  play((method) => (method === "GetGene" ? "failed" : undefined));
  const { status: code, json } = await send("POST", "/gene/increment-recall-threshold", {});
  assert.equal(code, 502);
  assert.equal(json.effect, "none");
  assert.ok(!calls.includes("UpdateGenes"));
  assert.equal((await send("POST", "/wake")).status, 200);
});

test("a gRPC error is answered without anything internal", async () => {
  const details = "Method not found! /kato_proc.KatoEngine at 10.0.0.1:1441";
  const deeds: Partial<Record<Method, Deed>> = {
    StartSleeping: { code: status.UNIMPLEMENTED, details },
    StopSleeping: { code: status.INTERNAL, details },
    GetName: { code: status.UNIMPLEMENTED, details },
    ShowStatus: "failed",
  };
  play((method) => deeds[method]);
  for (const [verb, path, code] of [
    ["POST", "/sleep", 501],
    ["POST", "/wake", 502],
    ["GET", "/name", 501],
    ["GET", "/status", 502],
  ] as const) {
    const answer = await send(verb, path);
    assert.equal(answer.status, code, path);
    assert.equal(answer.json.effect, "none");
    assert.doesNotMatch(answer.text, /KatoEngine|10\.0\.0\.1|Traceback|server\.py/);
  }
});

test("of a traceback only the last line is told, and the effect of an Observe that failed is unknown", async () => {
  play((method) => (method === "Observe" ? "failed" : undefined));
  const { status: code, json } = await send("POST", "/observe", { strings: ["a"] });
  assert.equal(code, 502);
  assert.equal(json.detail, "OSError: no MongoDB");
  assert.equal(json.effect, "unknown");
});

test("an Observe is not called when the instance fails at the questions before it, and the processor goes on", async () => {
  await setLength(2);
  play((method) => (method === "GetWorkingMemory" || method === "GetModel" ? "failed" : undefined));
  const { status: code, json } = await send("POST", "/observe", { strings: ["second"] });
  assert.ok(code >= 500, String(code));
  assert.notEqual(json.effect, "applied");
  assert.ok(!calls.includes("Observe"));
  play(() => undefined);
  await until("it goes on", async () => (await send("GET", "/ping")).status === 200);
  assert.deepEqual(await events(), ["first"]);
  assert.equal((await send("POST", "/observe", { strings: ["third"] })).status, 200);
});

test("a replay that was decided is confirmed although the instance does not answer when it is cleared (A7)", async () => {
  const observed = await send("POST", "/observe", { strings: ["second"] });
  const from = Number(observed.headers["kato-sequence"]);
  play((method) => {
    const isFirst = calls.filter((call) => call === method).length === 1;
    return method === "ClearAllMemory" && isFirst ? "nothing" : undefined;
  });
  const { status: code, json, text } = await system.request("POST", "/processors/p1/rebuild", { from });
  assert.deepEqual([code, json.from, json.through], [202, from, from], text);
  await until("it is replayed", async () => {
    const { state, depth } = (await system.request("GET", "/processors/p1")).json;
    return state === "ready" && depth === 0 && calls.includes("Observe");
  });
  assert.deepEqual(await events(), ["second"]);
});
