import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { generateKeyPair } from "jose";
import { adminKey, bearer, tokenIssuer } from "../../fixtures/access.ts";
import { ApiDocument } from "../../fixtures/api-document.ts";
import { assertProblem } from "../../fixtures/gateway-app.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo, succeeding } from "../../fixtures/http-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";

/** What each route needs. A route that is not here fails the first test. */
const needed: Record<string, string[]> = {
  none: [
    ...["GET /", "GET /docs", "GET /openapi.json", "GET /health", "GET /ready"],
    ...["POST /session", "DELETE /session", "GET /console", "GET /console/{file}"],
  ],
  read: [
    ...["GET /metrics", "GET /kato-api/ping", "GET /processors", "GET /processors/{id}", "GET /connect"],
    ...["GET /session", "GET /{id}/working-memory", "GET /{id}/predictions", "POST /{id}/predictions"],
    ...[
      "GET /{id}/percept-data",
      "GET /{id}/cognition-data",
      "GET /{id}/gene/{gene}",
      "GET /{id}/model/{name}",
    ],
    ...["GET /{id}/vector/{name}", "GET /{id}/ping", "GET /{id}/name", "GET /{id}/time", "GET /{id}/status"],
    ...["GET /{id}/commands/{command}", "GET /{id}/ingestions/{ingestion}"],
    ...["GET /{id}/ingestions/{ingestion}/events", "GET /processors/{id}/ingestions"],
  ],
  write: [
    ...["POST /{id}/observe", "POST /{id}/observe-sequence", "POST /{id}/observations", "POST /{id}/learn"],
    ...["POST /{id}/working-memory/clear", "POST /{id}/clear-working-memory", "POST /{id}/clear-all-memory"],
    ...["POST /{id}/genes/change", "POST /{id}/gene/increment-recall-threshold", "PUT /{id}/model/{name}"],
    ...["DELETE /{id}/model/{name}", "POST /{id}/sleep", "POST /{id}/wake", "POST /{id}/start-predicting"],
    ...["POST /{id}/stop-predicting", "PUT /{id}/target-class", "DELETE /{id}/target-class"],
  ],
  operate: [
    ...["GET /processors/{id}/dead-letters", "POST /processors/{id}/dead-letters/{sequence}/resend"],
    ...["DELETE /processors/{id}/dead-letters/{sequence}", "GET /processors/{id}/log"],
    ...["GET /processors/{id}/log/{sequence}", "GET /processors/{id}/dead-letters/{sequence}"],
    "GET /processors/{id}/log/events",
    ...["POST /processors/{id}/pause", "POST /processors/{id}/resume", "POST /processors/{id}/rebuild"],
    "POST /processors/{id}/adopt",
  ],
  admin: [
    ...["PUT /processors/{id}", "DELETE /processors/{id}", "GET /audit"],
    ...["POST /keys", "GET /keys", "DELETE /keys/{key}", "POST /keys/{key}/rotate"],
  ],
};
const scopes = ["read", "write", "operate", "admin"];
const routes = Object.entries(needed).flatMap(([scope, all]) => all.map((route) => ({ scope, route })));
const closed = routes.filter(({ scope }) => scope !== "none");
/** They are about all processors, so grants for some are not enough. */
const ofAll = new Set([
  "GET /metrics",
  "GET /audit",
  ...routes.map(({ route }) => route).filter((each) => / \/keys/.test(each)),
]);

const issuer = await tokenIssuer({ after });
const { key: firstKey, env } = adminKey({ after });
const admin = bearer(firstKey);
let system: SystemHere;
let send: Send;

before(async () => {
  system = await startSystemHere({
    processors: [{ id: "p1" }, { id: "other" }],
    gatewayEnv: { ...issuer.env, ...env, GATEWAY_AUTH: "keys,jwt" },
    headers: admin,
  });
  send = sendTo(system.gateway.url);
});
after(() => system?.stop());

const grants = (scope: string, ...processors: string[]) => ({ kato: { processors, scope } });

/**
 * Sends a request to a route, with a body that it cannot use, so that nothing is changed. A log's events would not end,
 * so they are asked for what there is not.
 */
function ask(route: string, headers: Record<string, string>, processor = "p1") {
  const [method = "", path = ""] = route.split(" ");
  const filled = path
    .replace("{id}", processor)
    .replace("{sequence}", "4711")
    .replace(/\{\w+\}/, "none")
    .replace("/log/events", "/log/events?outcome=none");
  return send(method, filled, method === "GET" ? undefined : { wrong: 1 }, headers);
}

test("every route is in the table above", async () => {
  const api = new ApiDocument(JSON.parse((await send("GET", "/openapi.json")).text));
  const inDocument = [...api.operations.keys()].sort();
  assert.deepEqual(inDocument, routes.map(({ route }) => route).sort());
});

test("without credentials that count, every route but those for everybody is a 401 that gives no hint", async () => {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const may = grants("admin", "*");
  const other = await generateKeyPair("RS256");
  const [head, payload] = (await issuer.token(may)).split(".");
  const plain = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const ownSecret = `${plain({ alg: "HS256", kid: "one" })}.${payload}`;
  const jwks = readFileSync(issuer.file);
  const made = (await send("POST", "/keys", { name: "gone", grants: may.kato }, admin)).json;
  assert.equal((await send("DELETE", `/keys/${made.id}`, undefined, admin)).status, 200);
  const over = (await send("POST", "/keys", { name: "x", grants: may.kato }, admin)).json;
  const credentials: Record<string, Record<string, string>> = {
    none: {},
    "a token that is over": bearer(await issuer.token({ ...may, exp: nowSeconds - 60 })),
    "a token that never ends": bearer(await issuer.token(may, { endsNever: true })),
    "a token of another issuer": bearer(await issuer.token({ ...may, iss: "https://other.example" })),
    "a token for another audience": bearer(await issuer.token({ ...may, aud: "other" })),
    "a token of nobody": bearer(await issuer.token({ ...may, sub: "" })),
    "a token that is not signed": bearer(`${plain({ alg: "none" })}.${payload}.`),
    "a token signed by the public key": bearer(
      `${ownSecret}.${createHmac("sha256", jwks).update(ownSecret).digest("base64url")}`,
    ),
    "a token of a key that is not known": bearer(await issuer.token(may, { kid: "two" })),
    "a token signed by somebody else": bearer(await issuer.token(may, { signedBy: other.privateKey })),
    "a token that was changed": bearer(`${head}.${payload}.${"A".repeat(342)}`),
    "a token without grants": bearer(await issuer.token({})),
    "a token with grants that are wrong": bearer(
      await issuer.token({ kato: { processors: "*", scope: "root" } }),
    ),
    "a key that was revoked": bearer(String(made.key)),
    "a key with another secret": bearer(String(over.key).replace(/.$/, (last) => (last === "A" ? "B" : "A"))),
    "a key that is malformed": bearer("kato_admin_short"),
    "another scheme": { authorization: "Basic YWRtaW46YWRtaW4=" },
    "a login that there is not": { cookie: "kato_session=kato_x_1", "kato-console": "1" },
  };
  const details = new Set<unknown>();
  for (const [name, headers] of Object.entries(credentials)) {
    for (const { route } of closed) {
      const answer = await ask(route, headers);
      assertProblem(answer, 401, `${route} with ${name}`);
      assert.equal(answer.headers["www-authenticate"], "Bearer");
      details.add(answer.json.detail);
    }
  }
  assert.equal(details.size, 1, "an answer does not say what was wrong");
  for (const { route, scope } of routes) {
    if (scope === "none") assert.notEqual((await ask(route, {})).status, 403, route);
  }
});

test("a scope has what it is for and what stands before it, and nothing else", async () => {
  for (const scope of scopes) {
    const headers = bearer(await issuer.token(grants(scope, "*")));
    for (const { route, scope: wanted } of closed) {
      const answer = await ask(route, headers);
      const isEnough = scopes.indexOf(scope) >= scopes.indexOf(wanted);
      if (isEnough) assert.ok(![401, 403].includes(answer.status), `${scope}, ${route}: ${answer.text}`);
      else {
        assertProblem(answer, 403, `${scope}, ${route}`);
        assert.match(String(answer.json.detail), new RegExp(`scope ${wanted}`));
      }
    }
  }
});

test("a processor that is out of sight is the 404 of one that there is not", async () => {
  const headers = bearer(await issuer.token(grants("admin", "p*")));
  for (const { route } of closed) {
    if (!route.includes("{id}")) continue;
    const [unseen, missing] = [await ask(route, headers, "other"), await ask(route, headers, "nobody")];
    assertProblem(unseen, 404, route);
    const told = ({ json: { request_id: _, ...others } }: typeof unseen, id: string) =>
      JSON.stringify(others).replaceAll(id, "it");
    assert.equal(told(unseen, "other"), told(missing, "nobody"), route);
  }
});

test("discovery registers what its own source has found, and may do nothing else", async () => {
  const headers = bearer(
    await issuer.token({ kato: { processors: ["*"], scope: "discovery", source: "docker" } }),
  );
  const allowed = ["GET /session", "GET /processors", "GET /processors/{id}"];
  for (const { route } of closed) {
    const { status } = await ask(route, headers);
    if (allowed.includes(route)) assert.equal(status, 200, route);
    else if (/^(PUT|DELETE) \/processors\/\{id\}$/.test(route)) assert.ok([403, 422].includes(status), route);
    else assert.equal(status, 403, route);
  }
  const body = { name: "found", grpc_endpoint: `127.0.0.1:${system.simulator.port}` };
  const put = (more: object) => send("PUT", "/processors/found", { ...body, ...more }, headers);
  const remove = (query: string) => send("DELETE", `/processors/found${query}`, undefined, headers);
  assertProblem(await put({}), 403);
  assertProblem(await put({ source: "kubernetes" }), 403);
  assert.equal((await put({ source: "docker" })).status, 201);
  assertProblem(await remove(""), 403);
  assertProblem(await remove("?source=kubernetes"), 403);
  assert.equal((await remove("?source=docker")).status, 200);
});

test("an endpoint that is moved is told in the audit trail, and whether its processor was ever there", async () => {
  const port = (await send("GET", "/processors/p1", undefined, admin)).json.endpoint;
  const move = (endpoint: unknown) => send("PUT", "/processors/moved", { grpc_endpoint: endpoint }, admin);
  assert.equal((await move(port)).status, 201);
  assert.equal((await move("127.0.0.1:1")).status, 200);
  assert.equal((await move(port)).status, 200);
  assert.equal((await send("DELETE", "/processors/moved", undefined, admin)).status, 200);
  const { entries } = (await send("GET", "/audit", undefined, admin)).json as {
    entries: { processor?: string; action: string; detail: Record<string, unknown> }[];
  };
  const own = entries.filter(({ processor }) => processor === "moved");
  assert.deepEqual(
    own.map(({ action, detail }) => [action, detail.before, detail.is_new_place]),
    [
      ["processor.registered", undefined, undefined],
      ["processor.registered", port, true],
      ["processor.registered", "127.0.0.1:1", false],
      ["processor.removed", undefined, undefined],
    ],
  );
});

test("what is about all processors is refused to grants for some", async () => {
  const headers = bearer(await issuer.token(grants("admin", "p*")));
  for (const route of ofAll) assertProblem(await ask(route, headers), 403, route);
});

test("lists have what is in sight", async () => {
  const headers = bearer(await issuer.token(grants("read", "p*")));
  const ids = (list: unknown) => (list as { id: string }[]).map(({ id }) => id);
  assert.deepEqual(ids((await send("GET", "/processors", undefined, headers)).json.processors), ["p1"]);
  assert.deepEqual(ids((await send("GET", "/processors", undefined, admin)).json.processors), [
    "other",
    "p1",
  ]);
  const { genome } = (await send("GET", "/connect", undefined, headers)).json as {
    genome: { elements: { nodes: { data: { id: string } }[] } };
  };
  assert.deepEqual(
    genome.elements.nodes.map(({ data }) => data.id),
    ["p1"],
  );
});

test("commands, ingestions and the answers of a key belong to their principal", async () => {
  const mine = bearer(await issuer.token({ ...grants("write", "*"), sub: "mine" }));
  const theirs = bearer(await issuer.token({ ...grants("write", "*"), sub: "theirs" }));
  const operator = bearer(await issuer.token({ ...grants("operate", "*"), sub: "operator" }));
  const async = await send("POST", "/p1/observe", { strings: ["a"] }, { ...mine, prefer: "respond-async" });
  const bulk = await send("POST", "/p1/observations", { observations: [{ strings: ["b"] }] }, mine);
  assert.deepEqual([async.status, bulk.status], [202, 202]);
  for (const location of [String(async.headers.location), String(bulk.headers.location)]) {
    for (const headers of [mine, operator, admin]) {
      assert.equal((await send("GET", location, undefined, headers)).status, 200, location);
    }
    assertProblem(await send("GET", location, undefined, theirs), 404);
  }
  assertProblem(await send("GET", `${bulk.headers.location}/events`, undefined, theirs), 404);
  const succeed = succeeding(send);
  // Whatever waits for a processor is listed, so it is paused.
  await succeed("POST", "/processors/p1/pause", undefined, admin);
  await succeed("POST", "/p1/observations", { observations: [{ strings: ["b"] }] }, mine);
  const listed = async (headers: Record<string, string>) =>
    (await send("GET", "/processors/p1/ingestions", undefined, headers)).json.ingestions as unknown[];
  const counts = await Promise.all([mine, operator, theirs].map(async (who) => (await listed(who)).length));
  await succeed("POST", "/processors/p1/resume", undefined, admin);
  assert.deepEqual(
    counts.map((count) => count > 0),
    [true, true, false],
  );
  const underKey = (headers: Record<string, string>, strings: string[]) =>
    send("POST", "/p1/observe", { strings }, { ...headers, "idempotency-key": "the same" });
  const first = await underKey(mine, ["c"]);
  const second = await underKey(theirs, ["d"]);
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.notEqual(first.headers["kato-command"], second.headers["kato-command"]);
  assert.equal((await underKey(mine, ["c"])).headers["idempotency-replayed"], "true");
});
