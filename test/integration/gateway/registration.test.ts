import assert from "node:assert/strict";
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
  for (const GATEWAY_HOST of ["", "0.0.0.0", "::", "192.0.2.7"]) {
    await assertRegisters(gatewayWith(t, { GATEWAY_HOST }), [], [...local, ...elsewhere], mustBeSet);
  }
  const send = gatewayWith(t, { ENDPOINT_ALLOW: "192.0.2.0/24, kato-p1" });
  await assertRegisters(send, ["192.0.2.1:1441", "kato-p1:1441"], local, /is not in ENDPOINT_ALLOW/);
});
