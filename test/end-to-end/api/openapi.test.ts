import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { OpenAPIV3_1 } from "openapi-types";
import { ApiDocument } from "../../fixtures/api-document.ts";
import type { Answer } from "../../fixtures/http-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
let api: ApiDocument;
before(async () => {
  system = await startSystemHere();
  const { json } = await system.request("GET", "/openapi.json");
  api = new ApiDocument(json as unknown as OpenAPIV3_1.Document);
});
after(() => system?.stop());

interface Sent {
  /** The parameters of the path. `id` is p1 by default. */
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

const seen = new Set<string>();
const notable = [
  "kato-sequence",
  "kato-command",
  "kato-ingestion",
  "location",
  "preference-applied",
  "idempotency-replayed",
  "retry-after",
  "ratelimit",
  "ratelimit-policy",
  "accept-encoding",
];

/**
 * Sends a request, and asserts that the document describes this answer to it: status, headers, content type
 * and body.
 */
async function call(operation: string, status: number, sent: Sent = {}): Promise<Answer> {
  const { params = {}, query = "", body, headers } = sent;
  const [method = "", template = ""] = operation.split(" ");
  const values: Record<string, string> = { id: "p1", ...params };
  const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));
  const answer = await system.request(method, path + query, body, headers);
  const about = `${operation}${query}: ${answer.status} ${answer.text.slice(0, 300)}`;
  assert.equal(answer.status, status, about);
  seen.add(operation);
  const { headers: documented = {}, content } = api.answer(operation, status);
  const names = Object.keys(documented).map((name) => name.toLowerCase());
  const given = notable.filter((name) => answer.headers[name] !== undefined);
  assert.deepEqual(
    given.filter((name) => !names.includes(name)),
    [],
    about,
  );
  if (!content) {
    assert.equal(answer.text, "", about);
    return answer;
  }
  const [type = ""] = String(answer.headers["content-type"]).split(";");
  const media = content[type];
  assert.ok(media, `${about}: ${type} is not documented`);
  api.assertMatches(media, /[/+]json$/.test(type) ? JSON.parse(answer.text) : answer.text, about);
  return answer;
}

const messageOf = ({ json }: Answer) => json.message as Record<string, never>;
const async = { prefer: "respond-async" };

test("a processor answers as the document says", async () => {
  await call("POST /{id}/observe", 200);
  await call("POST /{id}/observe", 200, { body: { strings: ["b", "a"], emotives: { joy: 0.5 } } });
  await call("POST /{id}/observe", 200, {
    body: { data: { vectors: [[1, 2, 3]], path: ["p"], metadata: { k: "v" } } },
  });
  await call("GET /{id}/percept-data", 200);
  await call("GET /{id}/cognition-data", 200);
  await call("GET /{id}/working-memory", 200, { headers: { prefer: "wait=5" } });
  const learned = await call("POST /{id}/learn", 200, {
    headers: { "idempotency-key": "one", prefer: "wait=9" },
  });
  await call("POST /{id}/learn", 200, { headers: { "idempotency-key": "one" } });
  const name = String(learned.json.message);
  const { json } = await call("GET /{id}/model/{name}", 200, { params: { name } });
  const sequence = (json.message as { sequence: string[][] }).sequence;
  const vector = sequence.flat().find((symbol) => symbol.startsWith("VECTOR|")) ?? "";
  await call("GET /{id}/vector/{name}", 200, { params: { name: vector } });
  await call("POST /{id}/observe", 200, { body: { strings: ["a", "b", "x"] } });
  const { length } = messageOf(await call("GET /{id}/predictions", 200));
  assert.equal(length, 1);
  await call("POST /{id}/predictions", 200, { body: {} });
  await call("GET /{id}/cognition-data", 200);
  await call("GET /{id}/status", 200);
  for (const what of ["ping", "name", "time"]) await call(`GET /{id}/${what}`, 200);
  for (const gene of ["recall_threshold", "AUTOACT_METHOD", "nosuch"]) {
    await call("GET /{id}/gene/{gene}", 200, { params: { gene } });
  }
  await call("POST /{id}/genes/change", 200, { body: { persistence: 7 } });
  await call("POST /{id}/gene/increment-recall-threshold", 200, { body: { increment: 0.1 } });
  for (const mode of ["sleep", "wake", "start-predicting", "stop-predicting"])
    await call(`POST /{id}/${mode}`, 200);
  await call("DELETE /{id}/model/{name}", 200, { params: { name } });
  await call("POST /{id}/working-memory/clear", 200);
  await call("POST /{id}/clear-working-memory", 200);
  await call("POST /{id}/clear-all-memory", 200);
});

test("a command without waiting is answered as the document says, and so is the question for its outcome", async () => {
  const { json } = await call("POST /{id}/observe", 202, { body: { strings: ["a"] }, headers: async });
  const params = { command: String(json.command) };
  await until("it is applied", async () => {
    const { state } = (await call("GET /{id}/commands/{command}", 200, { params })).json;
    return state === "applied";
  });
});

test("several observations are answered as the document says", async () => {
  const ndjson = { "content-type": "application/x-ndjson" };
  const lines = '{"strings": ["a"]}\n5\n{"strings": ["b"]}\n';
  const { json } = await call("POST /{id}/observations", 202, {
    query: "?learn=end",
    body: lines,
    headers: ndjson,
  });
  const receipts = { ...ndjson, accept: "application/x-ndjson" };
  await call("POST /{id}/observations", 200, { body: lines, headers: receipts });
  await call("POST /{id}/observations", 422, { query: "?on_error=stop", body: lines, headers: ndjson });
  const params = { ingestion: String(json.ingestion) };
  await until("all of it is applied", async () => {
    return (await call("GET /{id}/ingestions/{ingestion}", 200, { params })).json.state === "done";
  });
  const { text } = await call("GET /{id}/ingestions/{ingestion}/events", 200, { params });
  const headers = { "last-event-id": /^id: (.*)$/m.exec(text)?.[1] ?? "" };
  await call("GET /{id}/ingestions/{ingestion}/events", 204, { params, headers });
  const observations = [{ strings: ["a"] }, { strings: ["b"] }, { vectors: [[1, 2]] }];
  const flags = { learn_after_each: true, learn_at_end: true, clear_working_memory_between: true };
  await call("POST /{id}/observe-sequence", 200, { body: { observations, ...flags } });
  await call("POST /{id}/observe-sequence", 200, { body: { observations } });
});

test("the gateway answers as the document says", async () => {
  for (const path of ["/", "/kato-api/ping", "/connect", "/health", "/ready", "/processors", "/metrics"]) {
    await call(`GET ${path}`, 200);
  }
  for (const path of ["/openapi.json", "/docs", "/console"]) await call(`GET ${path}`, 200);
  for (const file of ["main.js", "style.css", "icon.svg"]) {
    const { headers } = await call("GET /console/{file}", 200, { params: { file } });
    const known = { "if-none-match": String(headers.etag) };
    await call("GET /console/{file}", 304, { params: { file }, headers: known });
  }
  await call("GET /console/{file}", 404, { params: { file: "nosuch.js" } });
  await call("GET /processors/{id}", 200);
  await call("GET /processors/{id}/log/events", 422, { query: "?outcome=lost" });
  await call("GET /processors/{id}/log", 200, { query: "?limit=2" });
  await call("GET /processors/{id}/ingestions", 200);
  const { json } = await call("GET /processors/{id}/log", 200, { query: "?method=Observe&outcome=applied" });
  const [logged] = json.commands as { sequence: number }[];
  await call("GET /processors/{id}/log/{sequence}", 200, { params: { sequence: String(logged?.sequence) } });
  await call("GET /processors/{id}/log/{sequence}", 404, { params: { sequence: "999999" } });
  await call("POST /processors/{id}/rebuild", 200, { query: "?dry_run=true" });
  await call("POST /processors/{id}/rebuild", 200);
  await call("POST /processors/{id}/pause", 200);
  await until(
    "it is paused",
    async () => (await system.request("GET", "/processors/p1")).json.state === "paused",
  );
  await call("POST /processors/{id}/rebuild", 409, { body: { from: 1 } });
  await call("POST /processors/{id}/resume", 200);
  await until(
    "it is resumed",
    async () => (await system.request("GET", "/processors/p1")).json.state !== "paused",
  );
  await call("POST /processors/{id}/rebuild", 202, { body: { from: 1 } });
  await call("POST /processors/{id}/adopt", 409);
  const more = { id: "p2" };
  const body = { grpc_endpoint: `127.0.0.1:${system.simulator.port}` };
  await call("PUT /processors/{id}", 201, { params: more, body });
  await call("PUT /processors/{id}", 200, { params: more, body: { ...body, name: "two" } });
  await call("DELETE /processors/{id}", 200, { params: more, query: "?force=true" });
});

test("dead letters are answered as the document says", async () => {
  const name = "nosuch";
  for (let count = 0; count < 2; count++) {
    await call("DELETE /{id}/model/{name}", 202, { params: { name }, headers: async });
  }
  let sequences: string[] = [];
  await until("both have failed", async () => {
    const { json } = await call("GET /processors/{id}/dead-letters", 200, { query: "?limit=2" });
    sequences = (json.dead_letters as { sequence: number }[]).map(({ sequence }) => String(sequence));
    return sequences.length === 2;
  });
  const [first = "", second = ""] = sequences;
  await call("GET /processors/{id}/dead-letters/{sequence}", 200, { params: { sequence: first } });
  await call("POST /processors/{id}/dead-letters/{sequence}/resend", 202, { params: { sequence: first } });
  await call("DELETE /processors/{id}/dead-letters/{sequence}", 200, { params: { sequence: second } });
  await call("DELETE /processors/{id}/dead-letters/{sequence}", 404, { params: { sequence: second } });
});

test("keys, logins and the audit trail are answered as the document says", async () => {
  const grants = { processors: ["p*"], scope: "write" };
  const made = await call("POST /keys", 201, {
    body: { name: "one", grants, expires_at: "2100-01-01T00:00:00Z" },
  });
  await call("POST /keys", 422, { body: { name: "one", grants: { ...grants, scope: "root" } } });
  const params = { key: String(made.json.id) };
  await call("GET /keys", 200);
  await call("POST /keys/{key}/rotate", 200, { params, body: {} });
  await call("POST /session", 200, { body: { key: made.json.key } });
  await call("POST /session", 401, { body: { key: "kato_x" } });
  await call("GET /session", 200);
  await call("DELETE /session", 204);
  await call("DELETE /keys/{key}", 200, { params });
  await call("DELETE /keys/{key}", 404, { params });
  await call("POST /{id}/learn", 403, { headers: { origin: "https://other.example" } });
  await call("GET /{id}/ping", 421, { headers: { host: "other.example" } });
  await call("GET /audit", 200, { query: "?limit=5" });
});

test("a refused request is answered with a problem that the document has", async () => {
  await call("POST /{id}/observe", 400, { body: "{" });
  await call("POST /{id}/observe", 415, { body: "{}", headers: { "content-encoding": "deflate" } });
  await call("POST /{id}/observe", 422, { body: { strings: 5 } });
  await call("POST /{id}/observe", 404, { params: { id: "nobody" } });
  await call("POST /{id}/observe", 422, { headers: { "idempotency-key": "" } });
  await call("GET /{id}/ping", 422, { headers: { "kato-after": "999999" } });
  await call("GET /{id}/predictions", 501, { query: "?unique_id=old" });
  await call("GET /{id}/vector/{name}", 404, { params: { name: "nosuch" } });
  await call("DELETE /{id}/model/{name}", 404, { params: { name: "nosuch" } });
  await call("PUT /{id}/model/{name}", 501, { params: { name: "nosuch" }, body: { frequency: 1 } });
  await call("PUT /{id}/target-class", 501, { body: { target_class: "cat" } });
  await call("DELETE /{id}/target-class", 501);
  await call("GET /{id}/ingestions/{ingestion}", 404, { params: { ingestion: "nosuch" } });
  await call("GET /processors/{id}/log", 422, { query: "?from=x" });
  await call("PUT /processors/{id}", 422, { body: { grpc_endpoint: "nowhere" } });
});

test("every operation of the document was sent", () => {
  assert.deepEqual(
    [...api.operations.keys()].filter((name) => !seen.has(name)),
    [],
  );
});
