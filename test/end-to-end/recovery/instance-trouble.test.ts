import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventsOf, untilIdle, untilState, viewOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startSimulatorProcess } from "../../fixtures/services.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import { startSimulatorHere } from "../../fixtures/services-here.ts";
import type { System } from "../../fixtures/system.ts";
import { assembleSystem } from "../../fixtures/system.ts";
import { partsHere } from "../../fixtures/system-here.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

let system: System<ServiceHere, ServiceHere, Service>;
let instance: Service;
const SIMULATOR_DATA = temporaryFolder({ after });
before(async () => {
  system = await assembleSystem(
    {
      processors: [{ id: "p1" }, { id: "p2" }],
      simulatorEnv: () => ({ SIMULATOR_DATA }),
    },
    { ...partsHere, startSimulator: startSimulatorProcess },
  );
  instance = system.simulator;
});
after(() => system?.stop());

const observe = (id: string, text: string) => system.request("POST", `/${id}/observe`, { strings: [text] });
const untilItIs = (state: string) => untilState(system.request, "p1", state);

test("a processor whose instance is away answers 503 at once, with Retry-After, and other processors go on", async () => {
  assert.equal((await observe("p1", "before")).status, 200);
  await instance.kill();
  await untilItIs("down");
  const { healthy, reason } = await viewOf(system.request);
  assert.equal(healthy, false);
  assert.match(String(reason), /instance/);

  for (const [method, path, body] of [
    ["POST", "/p1/observe", { strings: ["meanwhile"] }],
    ["POST", "/p1/learn", undefined],
    ["GET", "/p1/working-memory", undefined],
    ["GET", "/p1/predictions?unique_id=x", undefined],
    ["POST", "/p1/gene/increment-recall-threshold", { increment: 0.1 }],
  ] as const) {
    const { status, headers, json, text } = await system.request(method, path, body, { prefer: "wait=60" });
    assert.equal(status, 503, `${path}: ${text}`);
    assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
    assert.match(headers["content-type"] ?? "", /^application\/problem\+json/);
    assert.equal(json.effect, "none");
    assert.equal(json.retryable, true);
    assert.equal(json.processor, "p1");
    assert.equal(json.reason, reason);
    assert.ok(String(json.detail).includes(String(reason)), String(json.detail));
    assert.ok(!text.includes(String(instance.port)), "the endpoint is told");
  }
  assert.equal((await observe("p2", "unhindered")).status, 200);
  assert.equal((await system.request("GET", "/health")).status, 200);
  assert.equal((await system.request("GET", "/connect")).status, 200);
});

test("when the instance is back its processor works again, and nothing else had to be restarted", async () => {
  await instance.restart();
  await untilItIs("ready");
  const { status } = await observe("p1", "after");
  assert.equal(status, 200);
  const { message } = (await system.request("GET", "/p1/working-memory")).json;
  assert.ok(!JSON.stringify(message).includes("meanwhile"), "a refused observation was applied");
  assert.ok(JSON.stringify(message).includes("after"));
});

test("after the instance was killed every answer comes in its time and says what is known of the effect", async () => {
  const answers: Promise<{ status: number; effect: unknown }>[] = [];
  const send = async (text: string) => {
    const body = { strings: [text] };
    const { status, json } = await system.request("POST", "/p1/observe", body, { prefer: "wait=2" });
    return { status, effect: json.effect };
  };
  for (let count = 0; count < 20; count++) {
    answers.push(send(`before ${count}`));
    if (count === 10) await instance.kill();
  }
  for (const { status, effect } of await Promise.all(answers)) {
    const isTold =
      status === 200 ||
      (status === 503 && effect === "none") ||
      (status === 504 && (effect === "none" || effect === "unknown"));
    assert.ok(isTold, `${status} ${effect}`);
  }
  await instance.restart();
  await untilItIs("ready");
});

test("a Learn during which the instance dies is answered with an unknown effect, and has learned once in the end", async () => {
  assert.equal((await system.request("POST", "/p1/clear-all-memory")).status, 200);
  await instance.kill();
  await instance.restart({ SIMULATOR_FAULT: "learn-before-answer:1" });
  await untilItIs("ready");
  for (const text of ["a", "b"]) assert.equal((await observe("p1", text)).status, 200);
  const { status, json } = await system.request("POST", "/p1/learn", undefined, { prefer: "wait=1" });
  assert.equal(status, 504);
  assert.equal(json.effect, "unknown");
  assert.equal(json.retryable, false);
  await untilItIs("down");
  await instance.restart({ SIMULATOR_FAULT: "" });
  await until("it is applied again", async () => (await viewOf(system.request)).depth === 0);
  const model = await system.request("GET", "/p1/model/76d7efca2e96cb5eeddf4e06ac96a0f424630135");
  assert.equal((model.json.message as { frequency: number }).frequency, 1);
  assert.deepEqual((await system.request("GET", "/p1/working-memory")).json.message, []);
  assert.equal((await observe("p1", "next")).status, 200);
});

test("an instance that does not answer any more is waited for no longer than the client wants", async (t) => {
  await instance.kill("SIGSTOP");
  t.after(() => instance.kill("SIGCONT"));
  const answer = await system.request("POST", "/p1/observe", { strings: ["x"] }, { prefer: "wait=1" });
  assert.equal(answer.status, 504);
  assert.equal(answer.json.effect, "unknown");
  const query = await system.request("GET", "/p1/ping", undefined, { prefer: "wait=1" });
  assert.equal(query.status, 504);
  assert.equal(query.json.effect, "none");
});

test("when that instance answers again, what it was called for was done once", async () => {
  await until("the call has ended", async () => {
    const { message } = (await system.request("GET", "/p1/working-memory")).json;
    return JSON.stringify(message).split('"x"').length === 2;
  });
  assert.equal((await observe("p1", "y")).status, 200);
});

test("an instance that says that it holds another processor is not used, whatever the registry says", async () => {
  const [one, two] = system.simulators.map(({ port }) => `127.0.0.1:${port}`);
  const events = (id: string) => eventsOf(system.request, id);
  const register = (grpc_endpoint: string | undefined) =>
    system.request("PUT", "/processors/p1", { grpc_endpoint });
  await until("it is used", async () => (await observe("p1", "mine")).status === 200);
  const before = { p1: await events("p1"), p2: await events("p2") };

  await register(two);
  await untilItIs("down");
  assert.equal((await observe("p1", "for p1")).status, 503);
  assert.equal((await observe("p2", "for p2")).status, 200);
  await until("it is said", () => /the instance of p2 answers/.test(system.worker.output()));
  await register(one);
  await until("it is used again", async () => (await observe("p1", "again")).status === 200);
  assert.deepEqual(await events("p1"), [...before.p1, "again"]);
  assert.deepEqual(await events("p2"), [...before.p2, "for p2"]);
});

test("a processor that is moved away from a hanging instance delays no other one, and goes on at its new instance (A8)", async (t) => {
  const spare = await Promise.all(
    ["p1", "p3"].map((id) => startSimulatorHere({ MANIFEST: JSON.stringify({ id }) })),
  );
  t.after(async () => {
    await instance.kill("SIGCONT");
    for (const service of spare) await service.stop();
  });
  const register = (id: string, { port }: ServiceHere) =>
    system.request("PUT", `/processors/${id}`, { grpc_endpoint: `127.0.0.1:${port}` });
  const stateOf = async (id: string) => (await viewOf(system.request, id)).state;
  const [other, third] = spare;
  assert.ok(other && third);
  assert.equal((await observe("p1", "before")).status, 200);
  await untilIdle(system.request);
  await instance.kill("SIGSTOP");
  const async = { prefer: "respond-async" };
  await system.succeed("POST", "/p1/observe", { strings: ["hangs"] }, async);
  await untilItIs("applying");

  await register("p1", other);
  await register("p3", third);
  let isMoved = false;
  await until("the new one is ready", async () => {
    isMoved ||= (await stateOf("p1")) === "ready";
    return (await stateOf("p3")) === "ready";
  });
  assert.equal(isMoved, false, "the new one has not waited for the one that is moved");
  assert.equal((await observe("p3", "a")).status, 200);
  assert.equal((await observe("p2", "b")).status, 200);

  await untilItIs("ready");
  assert.deepEqual((await eventsOf(system.request)).slice(-2), ["before", "hangs"]);
});
