import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Answer } from "../../fixtures/http-client.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import type { TcpProxy } from "../../fixtures/tcp-proxy.ts";
import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";
import { until } from "../../fixtures/until.ts";

/** The sha1 of what Python prints for [['a'], ['b']]: the name of that model. */
const sha1OfAB = "76d7efca2e96cb5eeddf4e06ac96a0f424630135";

let system: SystemHere;
let proxy: TcpProxy;
/** Asks the instance directly. */
let kato: KatoClient;
before(async () => {
  system = await startSystemHere({
    // Long enough to cut the connection while a Learn is under way.
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "200" }),
    between: async (port) => {
      proxy = await startTcpProxy(port);
      return proxy.port;
    },
  });
  kato = new KatoClient(`127.0.0.1:${system.simulator.port}`);
});
after(async () => {
  kato?.close();
  await system?.stop();
  await proxy?.stop();
});
beforeEach(async () => {
  await untilState("ready");
  assert.equal((await post("/clear-all-memory")).status, 200);
});

const post = (path: string, body?: unknown) =>
  system.request("POST", `/p1${path}`, body, { prefer: "wait=10" });
const untilState = (state: string) =>
  until(`it is ${state}`, async () => (await system.request("GET", "/processors/p1")).json.state === state);

/** Asserts that the answer is true of what the instance has. */
const assertTold = ({ status, json, text }: Answer, isThere: boolean) => {
  if (status === 200) assert.ok(isThere, "it was told to be applied and is not there");
  else if (json.effect === "none") assert.ok(!isThere, `it was told to have no effect and is there: ${text}`);
  else assert.deepEqual([status, json.effect], [504, "unknown"], text);
};

test("the client is told the truth about an Observe whose answer was lost, and the Observe is there once (A3)", async () => {
  assert.equal((await post("/observe", { strings: ["before"] })).status, 200);
  const events = async () => (await kato.workingMemory()).flat();

  proxy.swallow();
  const answer = post("/observe", { strings: ["lost"] });
  await until("the instance has it", async () => (await events()).includes("lost"));
  proxy.close();
  await untilState("down");
  await proxy.open();
  assertTold(await answer, true);
  await untilState("ready");

  assert.equal((await post("/observe", { strings: ["after"] })).status, 200);
  assert.deepEqual(await events(), ["before", "lost", "after"]);
});

test("the client is told the truth about a Learn whose answer was lost, and the Learn has learned once (A3)", async () => {
  for (const text of ["a", "b"]) assert.equal((await post("/observe", { strings: [text] })).status, 200);

  const answer = post("/learn");
  await until("the instance has begun", async () => (await kato.workingMemory()).length === 0);
  proxy.close();
  await untilState("down");
  await proxy.open();
  const told = await answer;
  await untilState("ready");
  assertTold(told, true);
  if (told.status === 200) assert.equal(told.json.message, `MODEL|${sha1OfAB}`);
  assert.equal((await kato.model(sha1OfAB)).frequency, 1);
  assert.deepEqual(await kato.workingMemory(), []);
});

test("a connection that breaks while no call is under way changes nothing", async () => {
  const texts = ["1", "2", "3"];
  for (const text of texts) {
    assert.equal((await post("/observe", { strings: [text] })).status, 200);
    proxy.close();
    await untilState("down");
    await proxy.open();
    await untilState("ready");
  }
  assert.deepEqual(
    await kato.workingMemory(),
    texts.map((text) => [text]),
  );
});
