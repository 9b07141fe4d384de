import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import Fastify from "fastify";
import { spreadPipelined } from "../../../services/gateway/http/pipelining.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { until } from "../../fixtures/until.ts";

/** What a server answers to these requests, which are sent at once on one connection; the last one closes it. */
async function answersTo(url: string, requests: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.write(requests);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

const last = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

test("of many requests that come at once on a connection only some are begun in a turn, and all are answered in order", async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  spreadPipelined(app);
  let begun = 0;
  let mostBegun = 0;
  let isOver = false;
  const turn = () => {
    mostBegun = Math.max(mostBegun, begun);
    begun = 0;
    if (!isOver) setImmediate(turn);
  };
  app.post("/", async ({ body }) => {
    begun++;
    return body;
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  turn();
  const bodies = Array.from({ length: 3_000 }, (_, index) => `{"place":${index}}`);
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
  const requests = bodies.map((body) => `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const answers = await answersTo(url, requests.join("") + last);
  isOver = true;
  assert.deepEqual(answers.match(/\{"place":\d+\}/g), bodies);
  assert.ok(mostBegun <= 20, String(mostBegun));
});

test("no more requests of a client are begun while it does not read the answers to earlier ones", async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  spreadPipelined(app);
  const answer = Buffer.alloc(1024 * 1024, "x");
  let begun = 0;
  app.get("/", async () => {
    begun++;
    return answer;
  });
  app.get("/others", async () => "");
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const socket = connect(Number(new URL(url).port), "127.0.0.1").pause();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200) + last);
  await until("some are begun", async () => begun > 0);
  // In so many turns all of them would have been begun.
  for (let count = 0; count < 100; count++) await fetch(`${url}/others`);
  assert.ok(begun <= 20, String(begun));
  let bytes = 0;
  socket.on("data", ({ length }) => {
    bytes += length;
  });
  socket.resume();
  await once(socket, "close");
  assert.equal(begun, 200);
  assert.ok(bytes > begun * answer.length);
});

test("the gateway answers all of many requests that come at once, whatever they ask for", async (t) => {
  const { listen, close } = buildGatewayApp();
  t.after(close);
  const url = await listen();
  for (const [path, status] of [
    ["/kato-api/ping", 200],
    ["/nosuch", 404],
  ] as const) {
    const answers = await answersTo(url, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(1_000) + last);
    assert.equal(answers.split(`HTTP/1.1 ${status} `).length - 1 - (status === 404 ? 1 : 0), 1_000, path);
  }
});
