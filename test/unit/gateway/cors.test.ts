import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { gatewaySettings } from "../../../services/gateway/settings.ts";
import { assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";

const origin = "https://pages.example";
const preflight = {
  origin,
  "access-control-request-method": "POST",
  "access-control-request-headers": "prefer",
};

function appFor(t: TestContext, ...origins: string[]) {
  const gateway = buildGatewayApp({ access: { origins } });
  t.after(gateway.close);
  return gateway.send;
}

test("by default no page of another origin may use the API", async (t) => {
  const send = appFor(t);
  const { headers } = await send("GET", "/health", undefined, { origin });
  assert.equal(headers["access-control-allow-origin"], undefined);
  assertProblem(await send("OPTIONS", "/p1/observe", undefined, preflight), 405);
});

test("a page of an origin that is allowed may, and reads the headers that tell what became of a command", async (t) => {
  const send = appFor(t, "https://other.example", origin);
  const { status, headers } = await send("OPTIONS", "/p1/observe", undefined, preflight);
  assert.equal(status, 204);
  assert.equal(headers["access-control-allow-origin"], origin);
  assert.match(String(headers["access-control-allow-methods"]), /POST/);
  assert.equal(headers["access-control-allow-headers"], "prefer");
  const failed = await send("POST", "/p1/observe", { strings: 5 }, { origin });
  assertProblem(failed, 422);
  assert.equal(failed.headers["access-control-allow-origin"], origin);
  assert.match(String(failed.headers["access-control-expose-headers"]), /Kato-Sequence/);
  const foreign = await send("GET", "/health", undefined, { origin: "https://evil.example" });
  assert.equal(foreign.headers["access-control-allow-origin"], undefined);
});

test("every origin is allowed by *", async (t) => {
  const { headers } = await appFor(t, "*")("GET", "/health", undefined, { origin });
  assert.equal(headers["access-control-allow-origin"], "*");
});

test("what is no origin stops the start", () => {
  const origins = (CORS_ORIGINS: string) => gatewaySettings(new Environment({ CORS_ORIGINS })).access.origins;
  assert.deepEqual(origins("https://a.example, http://b:8080"), ["https://a.example", "http://b:8080"]);
  assert.deepEqual([origins(""), origins("*"), origins("null")], [[], ["*"], ["null"]]);
  for (const wrong of ["a.example", "https://a.example/", "https://a.example/page", "https://*.example"]) {
    assert.throws(() => origins(wrong), /CORS_ORIGINS must be/, wrong);
  }
});
