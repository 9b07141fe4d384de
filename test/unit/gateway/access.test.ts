import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { AccessSettings } from "../../../services/gateway/access/access-settings.ts";
import { addressList } from "../../../services/gateway/access/address-list.ts";
import { allGrants } from "../../../services/gateway/access/grants.ts";
import { KeysUnavailable } from "../../../services/gateway/access/json-web-tokens.ts";
import { RequestRates } from "../../../services/gateway/access/request-rates.ts";
import { bearer } from "../../fixtures/access.ts";
import { assertPassedOn, assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { openRequest, sendTo } from "../../fixtures/http-client.ts";
import { until } from "../../fixtures/until.ts";

// What the gateway judges by itself, without a key that is in NATS.

function appFor(t: TestContext, access: Partial<AccessSettings>) {
  const gateway = buildGatewayApp({ access });
  t.after(() => gateway.close());
  return gateway.send;
}

const learn = (send: ReturnType<typeof appFor>, headers: Record<string, string>) =>
  send("POST", "/p1/learn", undefined, headers);

test("a route that does not say what it needs is not served", (t) => {
  const gateway = buildGatewayApp();
  t.after(() => gateway.close());
  assert.throws(() => gateway.app.get("/forgotten", async () => "secrets"), /\/forgotten has no scope/);
});

test("a host that is not expected is refused to all but probes", async (t) => {
  const send = appFor(t, { hosts: new Set(["localhost", "[::1]"]) });
  for (const host of ["localhost", "LOCALHOST:8000", "[::1]:8000"])
    assertPassedOn(await learn(send, { host }), host);
  for (const host of ["evil.example", "localhost.evil.example:8000", "127.0.0.1", "[::2]"]) {
    const answer = await send("GET", "/p1/working-memory", undefined, { host });
    assertProblem(answer, 421, host);
    assertProblem(await send("GET", "/", undefined, { host }), 421, host);
    assert.equal((await send("GET", "/health?x", undefined, { host })).status, 200);
  }
});

test("a page of another origin changes nothing, unless its origin is allowed", async (t) => {
  const host = "localhost:8000";
  const foreign: Record<string, string>[] = [
    { host, origin: "https://evil.example" },
    { host, origin: "http://localhost:9000" },
    { host, origin: "null" },
    { host, "sec-fetch-site": "cross-site" },
    { host, origin: "https://evil.example", "sec-fetch-site": "same-site" },
  ];
  const send = appFor(t, {});
  for (const headers of foreign) {
    const answer = await learn(send, headers);
    assertProblem(answer, 403, JSON.stringify(headers));
    assert.match(answer.text, /cross-site/);
    assert.equal((await send("GET", "/health", undefined, headers)).status, 200);
  }
  for (const headers of [
    { host },
    { host, origin: "http://localhost:8000" },
    { host, "sec-fetch-site": "same-origin" },
  ]) {
    assertPassedOn(await learn(send, headers), JSON.stringify(headers));
  }
  const friendly = appFor(t, { origins: ["https://pages.example"] });
  assertPassedOn(
    await learn(friendly, { host, origin: "https://pages.example", "sec-fetch-site": "cross-site" }),
  );
  assertProblem(await learn(friendly, { host, origin: "https://evil.example" }), 403);
});

test("a proxy's header counts from the proxy only, and its absence is a 401", async (t) => {
  const proxyAt = (address: string, grantsByName?: AccessSettings["grantsByName"]) =>
    appFor(t, {
      proxy: {
        header: "x-user",
        addresses: addressList([address], () => assert.fail()),
        certificates: new Set(),
      },
      grantsByName,
    });
  // `inject` has the address 127.0.0.1.
  const [proxied, direct] = [proxyAt("127.0.0.0/8"), proxyAt("10.0.0.0/8")];
  assertPassedOn(await learn(proxied, { "x-user": "alice" }));
  const refused: Record<string, string>[] = [
    {},
    { "x-user": " " },
    { "x-user": "key:admin" },
    { "x-user": "x".repeat(201) },
  ];
  for (const headers of refused) assertProblem(await learn(proxied, headers), 401, JSON.stringify(headers));
  assertProblem(await learn(direct, { "x-user": "alice" }), 401);
  const listed = proxyAt("127.0.0.1", new Map([["reader", { processors: ["p1"], scope: "read" as const }]]));
  assertProblem(await learn(listed, { "x-user": "reader" }), 403);
  assertProblem(await learn(listed, { "x-user": "alice" }), 401);
});

test("before NATS was reached keys of the file count, and of others nobody can say", async (t) => {
  const key = `kato_admin_${"A".repeat(43)}`;
  const send = appFor(t, {
    methods: new Set(["keys"]),
    fileKeys: [{ id: "admin", text: key, grants: allGrants }],
  });
  assertPassedOn(await learn(send, bearer(key)));
  const other = await learn(send, bearer(`kato_admin_${"B".repeat(43)}`));
  assert.deepEqual([other.status, other.json.type], [503, "urn:kato:problem:auth-unavailable"]);
  assertProblem(await learn(send, bearer("kato_admin_B")), 401);
  assertProblem(await learn(send, {}), 401);
  assertProblem(await send("GET", "/nowhere", undefined, {}), 404);
});

test("while the issuer's keys cannot be fetched, nobody can say whether a token counts", async (t) => {
  const gateway = buildGatewayApp({
    access: { methods: new Set(["jwt"]) },
    checkToken: () => Promise.reject(new KeysUnavailable("timed out")),
  });
  t.after(() => gateway.close());
  const answer = await learn(gateway.send, bearer("a.b.c"));
  assert.deepEqual([answer.status, answer.json.type], [503, "urn:kato:problem:auth-unavailable"]);
});

test("the metrics may be read from an address of the list, and nothing else may", async (t) => {
  const send = appFor(t, {
    methods: new Set(["keys"]),
    metricsReaders: addressList(["127.0.0.1"], () => assert.fail()),
  });
  assert.equal((await send("GET", "/metrics")).status, 200);
  assertProblem(await send("GET", "/processors"), 401);
});

test("one principal may send so many requests a second, and is told how many are left", async (t) => {
  // On a busy machine the requests could take so long that the principal may send more.
  const nowMs = performance.now();
  t.mock.method(performance, "now", () => nowMs);
  const send = appFor(t, { perPrincipal: { requestsPerSecond: 2, observations: 0 } });
  const [first, second, third] = [await learn(send, {}), await learn(send, {}), await learn(send, {})];
  assert.deepEqual(
    [first.headers.ratelimit, second.headers.ratelimit],
    ['"requests";r=1;t=1', '"requests";r=0;t=1'],
  );
  assert.deepEqual([third.status, third.json.type], [429, "urn:kato:problem:rate-limited"]);
  assert.deepEqual(
    [third.headers["ratelimit-policy"], third.headers.ratelimit, third.headers["retry-after"]],
    ['"requests";q=2', '"requests";r=0;t=1', "1"],
  );
  assert.equal((await send("GET", "/health")).status, 200);
});

test("each principal has its own allowance, which comes back", async () => {
  const rates = new RequestRates(1_000);
  for (let taken = 0; taken < 1_000; taken++) rates.take("one");
  assert.ok(rates.take("two") >= 0);
  await until("there is a token again", () => rates.take("one") >= 0);
});

test("one principal may have so many requests under way that observe", async (t) => {
  const gateway = buildGatewayApp({ access: { perPrincipal: { requestsPerSecond: 0, observations: 1 } } });
  t.after(() => gateway.close());
  const url = await gateway.listen();
  const headers = { "content-type": "application/json" };
  const first = openRequest(url, "POST", "/p1/observe", headers);
  await first.write('{"strings": ');
  const send = sendTo(url);
  await until("the second is refused", async () => {
    const { status, headers } = await send("POST", "/p1/observe", { strings: ["a"] });
    return status === 429 && headers["ratelimit-policy"] === '"observations";q=1';
  });
  assertPassedOn(await send("POST", "/p1/learn"));
  await first.write('["a"]}');
  first.request.end();
  assertPassedOn(await first.answer());
  await until("the next is taken", async () => (await send("POST", "/p1/observe", {})).status !== 429);
});
