import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { endpointPolicyOf, gatewaySettings } from "../../../services/gateway/settings.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";
import type { GatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { startGatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import type { Send } from "../../fixtures/http-client.ts";

let gateway: GatewayOnNats;
before(async () => {
  gateway = await startGatewayOnNats();
});
after(() => gateway?.[Symbol.asyncDispose]());

/** A gateway with these settings, on the same NATS. */
function gatewayWith(t: TestContext, settings: Record<string, string>): Send {
  const environment = new Environment({ NATS_URL: "nats://127.0.0.1:4222", ...settings });
  const endpointPolicy = endpointPolicyOf(gatewaySettings(environment));
  const app = buildGatewayApp({ backend: () => ({ ...gateway.backend, endpointPolicy }) });
  t.after(() => app.close());
  return app.send;
}

/** Asserts which endpoints this gateway lets REST register, and what it says of the others. */
async function assertRegisters(send: Send, allowed: string[], refused: string[], said: RegExp) {
  for (const grpc_endpoint of allowed) {
    const { status, text } = await send("PUT", "/processors/rest", { grpc_endpoint });
    assert.ok(status === 200 || status === 201, `${grpc_endpoint}: ${text}`);
    assert.equal(gateway.backend.registry.get("rest")?.grpc_endpoint, grpc_endpoint);
    assert.equal((await send("DELETE", "/processors/rest")).status, 200);
  }
  for (const grpc_endpoint of refused) {
    const { status, json, text } = await send("PUT", "/processors/rest", { grpc_endpoint });
    assert.deepEqual([status, (json.errors as { field: string }[])[0]?.field], [422, "grpc_endpoint"], text);
    assert.match(text, said);
    assert.equal(gateway.backend.registry.get("rest"), undefined, grpc_endpoint);
  }
}

const local = ["127.0.0.1:1441", "[::1]:1441", "localhost:1441", "0.0.0.0:1441"];
const elsewhere = ["192.0.2.1:1441", "nosuch.invalid:1441", "[64:ff9b::192.0.2.1]:1441"];
const mustBeSet = /ENDPOINT_ALLOW, which is not set: set it for gateways and workers/;

test("a gateway that listens on loopback lets REST register loopback addresses, but not itself or NATS", async (t) => {
  for (const GATEWAY_HOST of ["127.0.0.1", "::1", "localhost"]) {
    const send = gatewayWith(t, { GATEWAY_HOST });
    await assertRegisters(send, local, elsewhere, mustBeSet);
    await assertRegisters(send, [], ["127.0.0.1:8000", "[::]:8000", "localhost:4222"], /and no instance/);
  }
});

test("a gateway that others reach lets REST register nothing until ENDPOINT_ALLOW is set", async (t) => {
  for (const GATEWAY_HOST of ["0.0.0.0", "::", "192.0.2.7"]) {
    const send = gatewayWith(t, { GATEWAY_HOST, GATEWAY_AUTH: "none" });
    await assertRegisters(send, [], [...local, ...elsewhere], mustBeSet);
  }
  const send = gatewayWith(t, { ENDPOINT_ALLOW: "192.0.2.0/24, kato-p1" });
  await assertRegisters(send, ["192.0.2.1:1441", "kato-p1:1441"], local, /is not in ENDPOINT_ALLOW/);
});

test("what discovery registers counts less than everything else, and is withdrawn by the same discovery alone", async (t) => {
  const send = gatewayWith(t, { GATEWAY_HOST: "127.0.0.1" });
  const put = (source: string | undefined, port: number) =>
    send("PUT", "/processors/found", { grpc_endpoint: `127.0.0.1:${port}`, source });
  const assertOutranked = async (source: string, by: string) => {
    const { status, json, text } = await put(source, 9);
    assert.deepEqual([status, json.type], [409, "urn:kato:problem:outranked"], text);
    assert.match(String(json.detail), new RegExp(`registered by ${by}`));
  };
  const withdraw = async (query: string) => (await send("DELETE", `/processors/found?${query}`)).status;
  const entry = () => gateway.backend.registry.get("found");

  assert.equal((await put("docker", 1)).status, 201);
  assert.deepEqual(entry(), {
    id: "found",
    name: "found",
    grpc_endpoint: "127.0.0.1:1",
    source: "docker",
  });
  assert.equal((await put("docker", 2)).status, 200);
  await assertOutranked("kubernetes", "docker");
  assert.equal(await withdraw("source=kubernetes"), 404);
  assert.equal(entry()?.grpc_endpoint, "127.0.0.1:2");

  assert.equal((await put(undefined, 3)).status, 200);
  await assertOutranked("docker", "rest");
  assert.equal(await withdraw("source=docker"), 404);
  assert.equal(entry()?.source, "rest");
  await gateway.backend.registry.remove("found");

  assert.equal((await put("kubernetes", 4)).status, 201);
  const command = { id: randomUUID(), processor: "found", method: "Observe", data: new Uint8Array() };
  await gateway.backend.logs.append(command);
  assert.equal(await withdraw("source=kubernetes"), 409);
  for (const query of ["source=kubernetes&force=true", "source=kubernetes&data=true", "source=file"]) {
    assert.equal(await withdraw(query), 422, query);
  }
  assert.equal((await put("environment", 5)).status, 422);
  assert.equal(entry()?.source, "kubernetes");
  assert.equal(await withdraw("force=true"), 200);
  assert.equal(await withdraw("source=kubernetes"), 404);
});

test("who says that it is discovery may register no more than others over REST", async (t) => {
  for (const source of ["docker", "kubernetes"]) {
    const send = gatewayWith(t, { GATEWAY_HOST: "127.0.0.1" });
    const { status, text } = await send("PUT", "/processors/rest", {
      grpc_endpoint: "192.0.2.1:1441",
      source,
    });
    assert.equal(status, 422, text);
    assert.match(text, mustBeSet);
  }
});
