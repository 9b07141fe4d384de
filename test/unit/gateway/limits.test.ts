import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import Fastify from "fastify";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";
import { RawJson, writeAnswers } from "../../../services/gateway/http/answers.ts";
import { Connections, serverOptions } from "../../../services/gateway/http/connections.ts";
import { errorHandler } from "../../../services/gateway/http/error-handler.ts";
import type { Limits } from "../../../services/gateway/http/limits.ts";
import { defaultLimits } from "../../../services/gateway/http/limits.ts";
import { MemoryBudget } from "../../../services/gateway/http/memory-budget.ts";
import { assertPassedOn, buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { until } from "../../fixtures/until.ts";

const mebibyte = 1024 * 1024;

/** A gateway that listens, with these limits. */
async function listening(t: TestContext, limits: Partial<Limits>) {
  const gateway = buildGatewayApp({ limits: { ...defaultLimits, ...limits } });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await gateway.close();
  });
  const url = await gateway.listen();
  const send = sendTo(url);
  const open = async () => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  const reached = async (limit: string) => {
    const { text } = await send("GET", "/metrics");
    return Number(new RegExp(`kato_client_limits_total\\{outcome="${limit}"\\} (\\d+)`).exec(text)?.[1]);
  };
  return { ...gateway, send, open, reached };
}

/** What comes over a connection until the other side closes it. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  // It may be reset, which is an end as well.
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

const post = (path: string, length: number | string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

test("a processor that is not registered is a 404 before its body is read", async (t) => {
  const backend = { registry: { get: () => undefined }, registrations: { areInView: true } };
  const gateway = buildGatewayApp({ backend: () => backend as unknown as Backend });
  t.after(gateway.close);
  const socket = connect(Number(new URL(await gateway.listen()).port), "127.0.0.1");
  socket.write(post("/nobody/observe", 8 * mebibyte));
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 404 [\s\S]*processor-not-found/);
  socket.destroy();
});

test("while the registry is made anew, a processor that it lacks is a 503 to try again, and no 404", async (t) => {
  const backend = { registry: { get: () => undefined }, registrations: { areInView: false } };
  const gateway = buildGatewayApp({ backend: () => backend as unknown as Backend });
  t.after(gateway.close);
  for (const path of ["/p1/working-memory", "/processors/p1"]) {
    const { status, json, headers } = await gateway.send("GET", path);
    assert.deepEqual([status, json.retryable, headers["retry-after"]], [503, true, "1"], path);
  }
});

test("bodies in hand beyond their memory are a 503 with Retry-After, and fit again once others are answered", async (t) => {
  const { send, open, reached } = await listening(t, { bodiesBytes: 4 * mebibyte });
  const holder = await open();
  holder.write(`${post("/p1/observe", 2.5 * mebibyte)}{"strings": ["${"x".repeat(2 * mebibyte)}`);
  const body = { strings: ["y".repeat(mebibyte)] };
  await until(
    "bodies are refused",
    async () => (await send("POST", "/p1/observe", body)).json.type === "urn:kato:problem:overloaded",
  );
  const refused = await send("POST", "/p1/observe", body);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["retry-after"], "1");
  assert.equal(refused.json.effect, "none");
  assert.ok((await reached("bodies")) >= 2);
  assertPassedOn(await send("POST", "/p1/observe", { strings: ["small"] }));
  holder.destroy();
  await until(
    "bodies fit again",
    async () => (await send("POST", "/p1/observe", body)).json.type !== "urn:kato:problem:overloaded",
  );
});

test("headers and a body that go on for too long end their connection, and are counted", async (t) => {
  const { open, reached } = await listening(t, { headersMs: 400, bodyMs: 600 });
  const headers = await open();
  headers.write("GET /health HTTP/1.1\r\nHo");
  const trickle = setInterval(() => headers.write("x"), 50);
  t.after(() => clearInterval(trickle));
  assert.match(await readAll(headers), /^HTTP\/1\.1 408 /);
  assert.equal(await reached("headers"), 1);

  const dripping = await open();
  dripping.write(post("/p1/observe", 100));
  const drip = setInterval(() => dripping.write(" "), 50);
  t.after(() => clearInterval(drip));
  assert.match(await readAll(dripping), /^HTTP\/1\.1 400 [\s\S]*longer than 600 ms/);
  assert.equal(await reached("body"), 1);
});

test("a body that goes on for too long is counted once, also where its connection closes late", async (t) => {
  const bodyMs = 100;
  const { app, open, reached } = await listening(t, { bodyMs });
  // The event loop stands still between the answer and the end of the connection.
  app.server.on("request", ({ method }, response) => {
    response.once("close", () => {
      const over = performance.now() + 2 * bodyMs;
      while (method === "POST" && performance.now() < over);
    });
  });
  const dripping = await open();
  dripping.write(post("/p1/observe", 100));
  assert.match(await readAll(dripping), /longer than 100 ms/);
  assert.equal(await reached("body"), 1);
});

test("what came while the gateway stood still counts, and an upload that went on is taken", async (t) => {
  const idleMs = 200;
  const { app, open, reached } = await listening(t, { idleMs });
  const begun = once(app.server, "request");
  const uploading = await open();
  const answer = once(uploading, "data");
  uploading.write(`${post("/p1/observe", 3)}{`);
  await begun;
  // Node runs its timers right after what is set immediate, before it reads from the network.
  await setImmediate();
  uploading.write(" ");
  const over = performance.now() + 2 * idleMs;
  while (performance.now() < over);
  await sleep(idleMs / 2);
  uploading.write("}");
  assert.match(String(await answer), /^HTTP\/1\.1 /);
  assert.equal(await reached("upload"), 0);
});

test("an upload of which nothing comes ends its connection, and is counted", async (t) => {
  const { send, open, reached } = await listening(t, { idleMs: 200 });
  const idle = await open();
  idle.write(`${post("/p1/observe", 100)}{`);
  await readAll(idle);
  assert.equal(await reached("upload"), 1);
  assert.equal((await send("GET", "/health")).status, 200);
});

test("a client that waits for its answer for longer than others may be idle gets it", async (t) => {
  const limits = { ...defaultLimits, idleMs: 100 };
  const reached: string[] = [];
  const app = Fastify({ http: serverOptions(limits), connectionTimeout: limits.idleMs });
  t.after(() => app.close());
  new Connections(limits, (limit) => reached.push(limit)).guard(app);
  const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
  app.get("/", () => answered);
  const socket = connect(Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port), "127.0.0.1");
  let timeouts = 0;
  app.server.on("timeout", () => {
    if (++timeouts === 3) answer("at last");
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const [text] = await once(socket, "data");
  assert.match(String(text), /at last$/);
  assert.deepEqual(reached, []);
  socket.destroy();
});

test("an answer that is not read ends its connection", async (t) => {
  const { open, app, reached } = await listening(t, { idleMs: 200 });
  const unread = await open();
  unread.pause();
  // Enough of the API's document to fill what the kernel takes.
  unread.write("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300));
  await until("it is counted", async () => (await reached("unread")) === 1);
  await until("it is closed", async () => (await connectionsOf(app.server)) <= 1);
});

const connectionsOf = (server: {
  getConnections(done: (error: Error | null, count: number) => void): void;
}) => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));

test("an answer counts until it is read, and beyond the memory for answers another GET is refused", async (t) => {
  const app = Fastify({ forceCloseConnections: true });
  t.after(() => app.close());
  let refused = 0;
  const budget = new MemoryBudget(24 * mebibyte, "answers", () => refused++);
  writeAnswers(app, budget);
  app.setErrorHandler(errorHandler({ legacyErrors: false, reasonOf: () => "" }));
  // More than the kernel takes for a client that does not read.
  for (const path of ["/large", "/health"]) app.get(path, async () => "x".repeat(16 * mebibyte));
  app.post("/large", async () => "x".repeat(16 * mebibyte));
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const unread = connect(Number(new URL(url).port), "127.0.0.1").pause();
  unread.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("it is in hand", () => budget.usedBytes > 0);
  const send = sendTo(url);
  const { status, headers, json } = await send("GET", "/large");
  assert.deepEqual([status, headers["retry-after"], refused], [503, "1", 1]);
  assert.equal(json.type, "urn:kato:problem:overloaded");
  assert.equal((await send("GET", "/health")).status, 200);
  assert.equal((await send("POST", "/large")).status, 200);
  unread.destroy();
  await until("it is given up", () => budget.usedBytes === 0);
  assert.equal((await send("GET", "/large")).status, 200);
});

test("JSON that is passed on as text reads as if it had been parsed", async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  writeAnswers(app, new MemoryBudget(mebibyte, "answers", () => {}));
  app.get("/", async () => ({ id: "p1", status: "okay", message: new RawJson('[["a"], ["b"]]') }));
  const { body } = await app.inject("/");
  assert.deepEqual(JSON.parse(body), { id: "p1", status: "okay", message: [["a"], ["b"]] });
});

test("with as many connections as allowed the longest idle one goes, and probes are answered when all are busy", async (t) => {
  const { open, reached, send } = await listening(t, { connections: 10 });
  const [first] = await Promise.all(Array.from({ length: 10 }, open));
  assert.ok(first);
  const closed = once(first, "close");
  const busy = await open();
  await closed;
  assert.ok((await reached("idle")) >= 1);
  busy.write(post("/p1/observe", 100));
  const others = await Promise.all(Array.from({ length: 9 }, open));
  // A connection is busy once its request has begun, which the gateway tells whoever waits for that.
  for (const socket of others)
    socket.write(`${post("/p1/observe", 100).trimEnd()}\r\nExpect: 100-continue\r\n\r\n`);
  await Promise.all(others.map((socket) => once(socket, "data")));
  await until(
    "others are refused",
    async () => (await send("GET", "/p1/ping")).json.type === "urn:kato:problem:overloaded",
  );
  assert.equal((await send("GET", "/health")).status, 200);
  assert.ok((await reached("connections")) >= 1);
});
