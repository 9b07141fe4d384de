import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { adminKey, bearer } from "../../fixtures/access.ts";
import { assertProblem } from "../../fixtures/gateway-app.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo, sendWith } from "../../fixtures/http-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const { key: firstKey, env } = adminKey({ after });
let system: SystemHere;
/** The first gateway, as its administrator; and the second, as nobody. */
let admin: Send;
let other: Send;
/** Every secret that was shown. None may be in a log. */
const shown: string[] = [firstKey];

before(async () => {
  system = await startSystemHere({
    gateways: 2,
    gatewayEnv: { ...env, KEYS_UNCONFIRMED_MS: "3000", LOG_LEVEL: "trace" },
    headers: bearer(firstKey),
  });
  admin = system.request;
  other = sendTo(system.gateways[1]?.url ?? "");
});
after(() => system?.stop());

const write = { processors: ["p1"], scope: "write" };

async function make(body: object): Promise<{ id: string; key: string }> {
  const { status, json, text } = await admin("POST", "/keys", body);
  assert.equal(status, 201, text);
  shown.push(String(json.key));
  return { id: String(json.id), key: String(json.key) };
}

const statusOf = async (key: string) =>
  (await other("GET", "/p1/working-memory", undefined, bearer(key))).status;
const untilStatus = (key: string, status: number) =>
  until(`the other gateway answers ${status}`, async () => (await statusOf(key)) === status);

test("a key counts on every gateway, is shown once, and is known to have been used", async () => {
  const { id, key } = await make({ name: "ingest", grants: write });
  assert.match(key, /^kato_[a-z0-9]{10}_[A-Za-z0-9_-]{43}$/);
  await untilStatus(key, 200);
  await until("the key's use is known", async () => {
    const { keys } = (await admin("GET", "/keys")).json as { keys: { id: string; last_used_at: string }[] };
    return /:00:00\.000Z$/.test(keys.find((each) => each.id === id)?.last_used_at ?? "");
  });
  const list = (await admin("GET", "/keys")).text;
  assert.ok(list.includes(id) && !list.includes(key.slice(-43)) && !list.includes("hash"), list);
  const session = await other("GET", "/session", undefined, bearer(key));
  assert.deepEqual(session.json, { principal: `key:${id}`, name: "ingest", grants: write });
});

test("a key is rotated without a gap: of three secrets the two newest count", async () => {
  const { id, key } = await make({ name: "rotated", grants: write });
  await untilStatus(key, 200);
  const rotate = async (body: object = {}) => {
    const { status, json, text } = await admin("POST", `/keys/${id}/rotate`, body);
    assert.equal(status, 200, text);
    shown.push(String(json.key));
    return String(json.key);
  };
  const second = await rotate();
  await untilStatus(second, 200);
  assert.equal(await statusOf(key), 200);
  const third = await rotate({ previous_expires_at: new Date(Date.now() + 1_500).toISOString() });
  await untilStatus(third, 200);
  assert.equal(await statusOf(key), 401);
  await untilStatus(second, 401);
  assert.equal(await statusOf(third), 200);
});

test("a key that is revoked or over counts nowhere any more", async () => {
  const revoked = await make({ name: "revoked", grants: write });
  await untilStatus(revoked.key, 200);
  assert.equal((await admin("DELETE", `/keys/${revoked.id}`)).status, 200);
  await untilStatus(revoked.key, 401);
  for (const id of [revoked.id, "a.b", "%EF%BF%BD", ">"]) {
    assertProblem(await admin("DELETE", `/keys/${id}`), 404);
    assertProblem(await admin("POST", `/keys/${id}/rotate`, {}), 404);
  }
  const over = await make({
    name: "over",
    grants: write,
    expires_at: new Date(Date.now() + 1_500).toISOString(),
  });
  await untilStatus(over.key, 200);
  await untilStatus(over.key, 401);
});

test("what is wrong with a key that is asked for is a 422 that names the field", async () => {
  const wrong: [object, RegExp][] = [
    [{ grants: write }, /name/],
    [{ name: "x", grants: { processors: [], scope: "read" } }, /processors/],
    [{ name: "x", grants: { processors: ["p*1"], scope: "read" } }, /processors/],
    [{ name: "x", grants: { processors: ["*"], scope: "root" } }, /scope/],
    [{ name: "x", grants: { processors: ["*"], scope: "discovery" } }, /source/],
    [{ name: "x", grants: { ...write, source: "docker" } }, /source/],
    [{ name: "x", grants: { ...write, extra: 1 } }, /extra/],
    [{ name: "x", grants: write, expires_at: "2001-01-01T00:00:00Z" }, /expires_at/],
    [{ name: "x", grants: write, expires_at: "tomorrow" }, /expires_at/],
  ];
  for (const [body, field] of wrong) {
    const answer = await admin("POST", "/keys", body);
    assertProblem(answer, 422, JSON.stringify(body));
    assert.match(answer.text, field);
  }
});

test("a browser's login is a cookie that scripts cannot read, needs a header to change something, and ends", async () => {
  const { id, key } = await make({ name: "somebody", grants: write });
  assertProblem(await other("POST", "/session", { key: `${key.slice(0, -1)}~` }), 401);
  const login = await admin("POST", "/session", { key });
  assert.equal(login.status, 200, login.text);
  const [cookie = ""] = login.headers["set-cookie"] ?? [];
  assert.match(cookie, /^kato_session=kato_[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43\d{3}$/);
  const [pair = ""] = cookie.split(";");
  shown.push(pair.slice("kato_session=".length));
  assert.ok(!pair.includes(key));
  const browser = sendWith(other, { cookie: pair });
  await until("the login counts on the other gateway", async () => {
    return (await browser("GET", "/p1/working-memory")).status === 200;
  });
  assertProblem(await browser("POST", "/p1/learn"), 403);
  assert.equal((await browser("POST", "/p1/learn", undefined, { "kato-console": "1" })).status, 200);
  assert.equal((await browser("GET", "/session")).json.principal, `key:${id}`);
  const out = await browser("DELETE", "/session", undefined, { "kato-console": "1" });
  assert.equal(out.status, 204);
  assert.match(String(out.headers["set-cookie"]), /Max-Age=0/);
  assert.equal((await browser("GET", "/session")).status, 401);
  const again = await admin("POST", "/session", { key });
  assert.equal(again.status, 200, again.text);
  const [second = ""] = String(again.headers["set-cookie"]).split(";");
  const reader = sendWith(other, { cookie: second });
  await until("the second login counts", async () => (await reader("GET", "/session")).status === 200);
  assert.equal((await admin("DELETE", `/keys/${id}`)).status, 200);
  await until("the login ends with its key", async () => (await reader("GET", "/session")).status === 401);
});

test("the audit trail has who has changed what, and who was refused", async () => {
  const { id, key } = await make({ name: "operations", grants: { processors: ["p1"], scope: "operate" } });
  await untilStatus(key, 200);
  assert.equal((await other("POST", "/processors/p1/pause", undefined, bearer(key))).status, 200);
  assert.equal((await other("POST", "/processors/p1/resume", undefined, bearer(key))).status, 200);
  assertProblem(await other("DELETE", "/processors/p1", undefined, bearer(key)), 403);
  await until("the trail has the refusal", async () => {
    const { entries } = (await admin("GET", "/audit")).json as { entries: Record<string, unknown>[] };
    const own = entries.filter(({ principal }) => principal === `key:${id}`);
    return own.map(({ action }) => action).join() === "processor.paused,processor.resumed,refused";
  });
  const { entries } = (await admin("GET", "/audit?limit=1000")).json as {
    entries: Record<string, unknown>[];
  };
  const made = entries.find(
    ({ action, detail }) => action === "key.made" && JSON.stringify(detail).includes(id),
  );
  assert.deepEqual([made?.principal, made?.path, made?.status], ["key:admin", "/keys", 201]);
  const [first, second] = [entries[0]?.sequence, entries[1]?.sequence];
  const page = (await admin("GET", `/audit?from=${first}&limit=1`)).json;
  assert.equal(page.next, second);
  assert.ok(entries.some(({ action, status }) => action === "refused" && status === 401));
});

test("while NATS is away known keys count for a time, and then nobody can say", async () => {
  const { key } = await make({ name: "patient", grants: write });
  await untilStatus(key, 200);
  await system.nats.kill();
  // The gateway passes the key, and has no NATS to go on with.
  const [known, unknown] = [
    await statusAndType(key),
    await statusAndType(firstKey.replace("admin", "nobody")),
  ];
  assert.deepEqual(known, [503, "urn:kato:problem:nats-unavailable"]);
  assert.deepEqual(unknown, [503, "urn:kato:problem:auth-unavailable"]);
  await until("the keys are not believed any more", async () => {
    return (await statusAndType(key))[1] === "urn:kato:problem:auth-unavailable";
  });
  assert.deepEqual(await statusAndType(firstKey), [503, "urn:kato:problem:nats-unavailable"]);
  await system.nats.restart();
  await untilStatus(key, 200);
  // The tests after this one use the first gateway too, which may reconnect later than the other one.
  await until("the first gateway is ready", async () => (await admin("GET", "/ready")).status === 200);
});

async function statusAndType(key: string): Promise<unknown[]> {
  const { status, json } = await other("POST", "/p1/learn", undefined, bearer(key));
  return [status, json.type];
}

test("a login ends with a key that is taken out of its file", async () => {
  const { headers, status, text } = await admin("POST", "/session", { key: firstKey });
  assert.equal(status, 200, text);
  const [cookie = ""] = String(headers["set-cookie"]).split(";");
  const isIn = async () => (await other("GET", "/session", undefined, { cookie })).status;
  await until("the login counts", async () => (await isIn()) === 200);
  const { key: nextKey, env: next } = adminKey({ after }, "next");
  await system.gateways[1]?.restart(next);
  await until("the next key counts", async () => {
    return (await other("GET", "/keys", undefined, bearer(nextKey))).status === 200;
  });
  assert.equal(await isIn(), 401);
});

test("no log has a secret, not even one that was sent where an id belongs", async () => {
  assertProblem(await admin("DELETE", `/keys/${firstKey}`), 404);
  const logs = [...system.gateways, system.worker].map((service) => service.output()).join("\n");
  assert.ok(logs.length > 10_000);
  for (const key of shown) assert.ok(!logs.includes(key.slice(-43)), "a secret is in a log");
});
