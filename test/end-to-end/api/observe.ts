import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { beforeEach, test } from "node:test";
import { assertProblem } from "../../fixtures/gateway-app.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { startGateway } from "../../fixtures/services.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const id = "p46b6b076c";

/** POST /{id}/observe, and what all routes of a processor have in common. */
export function observing(system: () => SystemHere): void {
  beforeEach(async () => {
    const cleared = await post("/clear-all-memory");
    assert.equal(cleared.json.message, "all-cleared");
  });

  const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
    system().request("POST", `/${id}${path}`, body, headers);
  const succeed = (path: string, body?: unknown) => system().succeed("POST", `/${id}${path}`, body);
  const get = (path: string) => system().request("GET", `/${id}${path}`);
  const workingMemory = async () => (await get("/working-memory")).json.message;
  const interval = async () => (await get("/time")).json.message;

  test("an observation is answered in the envelope, with its unique_id beside the message", async () => {
    const sentAt = Date.now() / 1_000;
    const observation = { strings: ["a"], vectors: [], emotives: {}, unique_id: "u-1" };
    const { status, headers, json } = await post("/observe", observation);
    assert.equal(status, 200);
    assert.match(headers["content-type"] ?? "", /^application\/json/);
    const { time_stamp, ...rest } = json;
    assert.deepEqual(rest, {
      id,
      interval: 1,
      status: "okay",
      message: { status: "observed", auto_learned_model: "" },
      unique_id: "u-1",
    });
    assert.equal(typeof time_stamp, "number");
    assert.ok(Number(time_stamp) >= sentAt && Number(time_stamp) <= Date.now() / 1_000);
  });

  test("the interval counts observations and nothing else", async () => {
    await succeed("/observe", { strings: ["a"] });
    await succeed("/learn");
    await succeed("/observe", {});
    assert.equal((await post("/clear-working-memory")).json.interval, 2);
    assert.equal((await post("/observe", { strings: ["b"] })).json.interval, 3);
    assert.equal((await get("/ping")).json.interval, 3);
  });

  test("the body can also stand under data", async () => {
    const { json } = await post("/observe", {
      data: { strings: ["b", "a"], vectors: [], emotives: {}, unique_id: "wrapped" },
    });
    assert.equal(json.unique_id, "wrapped");
    assert.deepEqual(await workingMemory(), [["a", "b"]]);
  });

  test("every part of an observation may be missing, and so may the whole body", async () => {
    for (const body of [{}, { data: {} }, { strings: [] }, { emotives: { joy: 1 } }, undefined, ""]) {
      const { status, json } = await post("/observe", body);
      assert.equal(status, 200, `${JSON.stringify(body)}: ${JSON.stringify(json)}`);
    }
    assert.deepEqual(await workingMemory(), []);
  });

  test("a body is read as JSON, whatever its content type says", async () => {
    const types = [
      ...["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"],
      ...["application/xml", "text/html; charset=UTF-8", "multipart/form-data"],
    ];
    for (const type of types) {
      const { status } = await post("/observe", '{"strings":["x"]}', { "content-type": type });
      assert.equal(status, 200, type);
    }
    assert.deepEqual(
      await workingMemory(),
      types.map(() => ["x"]),
    );
    for (const type of [";;;", "x"]) {
      const { status } = await post("/observe", '{"strings":["x"]}', { "content-type": type });
      assert.ok(status === 200 || (status >= 400 && status < 500), `${type}: ${status}`);
    }
  });

  test("a unique_id is made when it is missing or empty, another one each time", async () => {
    const answers = [
      await post("/observe", { strings: ["a"] }),
      await post("/observe", { strings: ["a"], unique_id: "" }),
      await post("/observe", {}),
    ];
    const ids = answers.map(({ json }) => json.unique_id);
    for (const unique of ids) assert.match(String(unique), /^.{8,}$/);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("working memory has the events in order, their strings sorted by code point, with duplicates", async () => {
    await succeed("/observe", { strings: ["b", "a", "b"] });
    await succeed("/observe", { strings: ["\u{1F600}", "\uFF21", "z", "Z", "é", ""] });
    await succeed("/observe", {});
    await succeed("/observe", { strings: ["c"] });
    assert.deepEqual(await workingMemory(), [
      ["a", "b", "b"],
      ["", "Z", "z", "é", "\uFF21", "\u{1F600}"],
      ["c"],
    ]);
  });

  test("the percept data have metadata, source, path and emotives as they were sent, __proto__ among their names", async () => {
    const body = `{"strings": ["b", "a"], "emotives": {"__proto__": 0.5, "joy": -2}, "metadata": {"__proto__": "m", "k": ""},
      "path": ["camera"], "source": "eye", "unique_id": "u"}`;
    assert.equal((await post("/observe", body)).status, 200);
    assert.deepEqual((await get("/percept-data")).json.message, {
      strings: ["b", "a"],
      vectors: [],
      emotives: JSON.parse('{"__proto__": 0.5, "joy": -2}'),
      metadata: JSON.parse('{"__proto__": "m", "k": ""}'),
      path: ["camera", "P1-p46b6b076c-process"],
    });
  });

  test("both paths clear working memory and nothing else", async () => {
    for (const path of ["/working-memory/clear", "/clear-working-memory"]) {
      await succeed("/observe", { strings: ["a"] });
      const { status, json } = await post(path);
      assert.equal(status, 200);
      assert.equal(json.message, "wm-cleared");
      assert.deepEqual(await workingMemory(), []);
    }
    assert.equal((await post("/learn")).json.interval, 2);
  });

  test("clearing all memory removes the models and sets the interval to 0", async () => {
    await succeed("/observe", { strings: ["a", "b"] });
    const { message: name } = (await post("/learn")).json;
    const cleared = await post("/clear-all-memory", {});
    assert.equal(cleared.json.interval, 0);
    assert.equal((await get(`/model/${encodeURIComponent(String(name))}`)).status, 404);
  });

  test("an answer to a command names the command and its place in the log; an answer to a query does not", async () => {
    const answers = [await post("/observe", { strings: ["a"] }), await post("/learn"), await post("/sleep")];
    const sequences = answers.map(({ headers }) => Number(headers["kato-sequence"]));
    const [first = 0] = sequences;
    assert.ok(first > 0);
    assert.deepEqual(sequences, [first, first + 1, first + 2]);
    const commands = answers.map(({ headers }) => headers["kato-command"]);
    for (const command of commands) assert.match(String(command), /^\S{8,}$/);
    assert.equal(new Set(commands).size, 3);
    const { headers } = await get("/working-memory");
    assert.equal(headers["kato-sequence"], undefined);
    assert.equal(headers["kato-command"], undefined);
  });

  test("a processor that is not registered is a 404 that names it, for every method", async () => {
    for (const [method, path] of [
      ["POST", "/nobody/observe"],
      ["GET", "/nobody/working-memory"],
      ["GET", "/nobody/model/MODEL%7Cx"],
      ["GET", "/processors/nobody"],
    ] as const) {
      const answer = await system().request(method, path);
      assertProblem(answer, 404);
      assert.equal(answer.json.detail, "Processor nobody not found");
      assert.equal(answer.json.processor, "nobody");
    }
  });

  test("an id that cannot be one is a 404, however it is written", async () => {
    for (const wrong of [
      ...["P1", "p1%20", "p1%00", "p1.commands", "*", "%3E", "p1%2Fping", "__proto__", "constructor"],
      ...["%E2%82%AC", "%0d%0aX-Injected:1", "x".repeat(900)],
    ]) {
      const answer = await system().request("GET", `/${wrong}/ping`);
      assertProblem(answer, 404, wrong);
      assert.equal(answer.headers["x-injected"], undefined);
    }
    assert.equal((await system().request("GET", "/%7046b6b076c/ping")).status, 200);
  });

  // test/unit/gateway has what is refused. Here one of each kind shows that it has no effect on a processor.
  test("what is refused has no effect", async () => {
    const nested = `${'{"data":'.repeat(100_000)}1${"}".repeat(100_000)}`;
    assert.ok((await post("/observe", nested)).status < 500);
    await succeed("/clear-all-memory");
    assertProblem(await post("/observe", '{"strings": ["a"'), 400);
    assertProblem(await post("/observe", { strings: ["a", 1] }), 422);
    const socket = connect(system().gateway.port, "127.0.0.1");
    socket.end(
      `POST /${id}/observe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"strings": ["a"]`,
    );
    await once(socket.resume(), "close");
    assert.equal(await interval(), 0);
    const head = await system().request("HEAD", `/${id}/ping`);
    assert.deepEqual([head.status, head.text], [200, ""]);
    assert.equal((await system().request("GET", `/${id}/ping`, "nonsense")).status, 200);
  });

  test("with GATEWAY_LEGACY_ERRORS a body that is not JSON is a 500", async (t) => {
    const gateway = await startGateway({
      natsUrl: system().nats.url,
      env: { GATEWAY_LEGACY_ERRORS: "1", LOG_LEVEL: "silent" },
    });
    t.after(() => gateway.stop());
    const send = sendTo(gateway.url);
    await until("it knows the processor", async () => (await send("GET", `/${id}/ping`)).status === 200);
    assert.equal((await send("POST", `/${id}/observe`, "nonsense")).status, 500);
    assert.equal((await send("POST", `/${id}/observe`, { strings: 5 })).status, 422);
    assert.equal((await send("POST", `/${id}/observe`, { strings: ["a"] })).status, 200);
  });
}
