import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventsOf, untilState, viewOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startSimulatorProcess } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
const spare: Service[] = [];
before(async () => {
  system = await startSystem({ processors: [{ id: "p1" }, { id: "p2" }] });
  for (const id of ["p1", "p3"])
    spare.push(await startSimulatorProcess({ MANIFEST: JSON.stringify({ id }) }));
});
after(async () => {
  await system?.simulator.kill("SIGCONT");
  for (const instance of spare) await instance.stop();
  await system?.stop();
});

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const register = (id: string, instance: Service | undefined) =>
  send("PUT", `/processors/${id}`, { grpc_endpoint: `127.0.0.1:${instance?.port}` });
const stateOf = async (id: string) => (await viewOf(system.request, id)).state;

test("a processor that is moved away from a hanging instance delays no other one, and goes on at its new instance (A8)", async () => {
  await send("POST", "/p1/observe", { strings: ["before"] });
  await until("the gateway knows that it is applied", async () => {
    const { state, applied } = await viewOf(system.request);
    return state === "ready" && applied === 1;
  });
  await system.simulator.kill("SIGSTOP");
  await send("POST", "/p1/observe", { strings: ["hangs"] }, { prefer: "respond-async" });
  await untilState(system.request, "p1", "applying");

  await register("p1", spare[0]);
  await register("p3", spare[1]);
  let isMoved = false;
  await until("the new one is ready", async () => {
    isMoved ||= (await stateOf("p1")) === "ready";
    return (await stateOf("p3")) === "ready";
  });
  assert.equal(isMoved, false, "the new one has not waited for the one that is moved");
  assert.equal((await send("POST", "/p3/observe", { strings: ["a"] })).status, 200);
  assert.equal((await send("POST", "/p2/observe", { strings: ["b"] })).status, 200);

  await untilState(system.request, "p1", "ready");
  assert.deepEqual(await eventsOf(system.request), ["before", "hangs"]);
});
