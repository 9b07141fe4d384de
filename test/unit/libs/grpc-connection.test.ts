import assert from "node:assert/strict";
import { once } from "node:events";
import type { OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream, Settings } from "node:http2";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { GrpcConnection } from "../../../libs/kato/grpc-connection.ts";
import { maxMessageBytes } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { until } from "../../fixtures/until.ts";

const path = "/kato_proc.KatoEngine/Ping";
const target = { scheme: "http", authority: "kato.test:1441" } as const;
const okay = { "grpc-status": "0" };

/** A response of gRPC: its message with its length before it. */
function prefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

function answer(stream: ServerHttp2Stream, body: Uint8Array, trailers: OutgoingHttpHeaders): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}

const echo = (stream: ServerHttp2Stream, body: Buffer) => answer(stream, body, okay);

async function connectTo(t: TestContext, server: Server): Promise<Socket> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => {
    socket.destroy();
    server.close();
  });
  await once(socket, "connect");
  return socket;
}

interface Served {
  connection: GrpcConnection;
  server: ServerHttp2Session;
  /** The streams that have begun. */
  streams: ServerHttp2Stream[];
}

/** A connection to Node's HTTP/2. `take` is given each request that has come as a whole. */
async function open(
  t: TestContext,
  take: (stream: ServerHttp2Stream, body: Buffer) => void,
  settings: Settings = {},
): Promise<Served> {
  const http2 = createHttp2Server({ settings });
  const streams: ServerHttp2Stream[] = [];
  const session = new Promise<ServerHttp2Session>((resolve) => http2.once("session", resolve));
  http2.on("stream", (stream) => {
    streams.push(stream);
    const parts: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => take(stream, Buffer.concat(parts)));
  });
  const connection = new GrpcConnection(await connectTo(t, http2), target);
  assert.equal(await connection.opened, true);
  const server = await session;
  server.on("error", () => {});
  return { connection, server, streams };
}

const call = (connection: GrpcConnection, bytes: Uint8Array, timeoutMs = 5_000) =>
  connection.call({ path, bytes, timeoutMs });

test("requests and responses of every size arrive, however little room the server has", async (t) => {
  for (const initialWindowSize of [1_000, 65_535]) {
    const { connection } = await open(t, echo, { initialWindowSize });
    const messages = [0, 1, 16_379, 16_384, 120_000].map((length) => Buffer.alloc(length, 7));
    const results = await Promise.all(messages.map((message) => call(connection, message)));
    assert.deepEqual(
      results,
      messages.map((bytes) => ({ kind: "response", bytes })),
    );
  }
});

test("responses go on coming when the connection has had more than its first room", async (t) => {
  const large = prefixed(Buffer.alloc(maxMessageBytes, 7));
  const { connection } = await open(t, (stream) => answer(stream, large, okay));
  for (let count = 0; count < 10; count++)
    assert.equal((await call(connection, Buffer.of(1))).kind, "response");
});

test("what is said of a call is what gRPC has for it", async (t) => {
  const cases: [(stream: ServerHttp2Stream) => void, CallResult][] = [
    [(s) => answer(s, prefixed(Buffer.of(7)), okay), { kind: "response", bytes: Buffer.of(7) }],
    [
      (s) => s.respond({ "grpc-status": "13", "grpc-message": "100%25 %C3%BC" }, { endStream: true }),
      { kind: "answered", status: 13, details: "100% ü" },
    ],
    [
      (s) => answer(s, Buffer.alloc(0), { "grpc-status": "14", "grpc-message": "50% of it" }),
      { kind: "unseen", status: 14, details: "50% of it" },
    ],
    [
      (s) => answer(s, prefixed(Buffer.of(7)), { "grpc-status": "0, 0" }),
      { kind: "unseen", status: 2, details: "the status is none of gRPC" },
    ],
    [
      (s) => s.respond({ ":status": 404 }, { endStream: true }),
      { kind: "answered", status: 12, details: "HTTP status 404" },
    ],
    [
      (s) => {
        s.respond({ ":status": 502 });
        s.end("Bad Gateway");
      },
      { kind: "unseen", status: 14, details: "HTTP status 502" },
    ],
    [
      (s) => answer(s, Buffer.alloc(0), okay),
      { kind: "answered", status: 13, details: "OK without a response" },
    ],
    [
      (s) => {
        s.respond({ ":status": 200 });
        s.end(prefixed(Buffer.of(7)));
      },
      { kind: "unseen", status: 13, details: "the call ended without a status of gRPC" },
    ],
    [
      // What begins with 1 is followed by another head.
      (s) => {
        s.additionalHeaders({ ":status": 103 });
        answer(s, prefixed(Buffer.of(7)), okay);
      },
      { kind: "response", bytes: Buffer.of(7) },
    ],
    [
      (s) => answer(s, prefixed(Buffer.of(7, 8)).subarray(0, 6), okay),
      { kind: "unseen", status: 13, details: "the response is not one whole message" },
    ],
    [
      (s) => answer(s, Buffer.concat([Buffer.of(1), prefixed(Buffer.of(7)).subarray(1)]), okay),
      { kind: "unseen", status: 13, details: "the response is compressed, which was not asked for" },
    ],
    [
      (s) => answer(s, Buffer.alloc(6 + maxMessageBytes), okay),
      { kind: "answered", status: 8, details: `the response is larger than ${maxMessageBytes} bytes` },
    ],
    [(s) => s.close(7), { kind: "unseen", status: 14, details: "RST_STREAM with the code 7" }],
    [
      // Its head says that all is well, and then it breaks off.
      (s) => {
        s.respond({ ":status": 200, ...okay }, { waitForTrailers: true });
        s.write(prefixed(Buffer.of(7)), () => s.close(2));
      },
      { kind: "unseen", status: 14, details: "RST_STREAM with the code 2" },
    ],
    [
      (s) => {
        s.respond({ ":status": 404 }, { waitForTrailers: true });
        s.write("Not", () => s.close(8));
      },
      { kind: "unseen", status: 14, details: "RST_STREAM with the code 8" },
    ],
  ];
  let take: (stream: ServerHttp2Stream) => void = () => {};
  const { connection } = await open(t, (stream) => take(stream));
  for (const [how, expected] of cases) {
    take = how;
    assert.deepEqual(await call(connection, Buffer.of(1)), expected);
  }
});

test("an answer counts that comes before the server has the whole message", async (t) => {
  const { connection, server, streams } = await open(t, () => {}, { initialWindowSize: 1_000 });
  server.on("stream", (stream) => {
    stream.pause();
    stream.respond({ "grpc-status": "8", "grpc-message": "too large" }, { endStream: true });
  });
  const result = await call(connection, Buffer.alloc(100_000));
  assert.deepEqual(result, { kind: "answered", status: 8, details: "too large" });
  await until("the server is told that no more comes", () => streams[0]?.destroyed);
});

test("a call is not written if it may not be, and one that is given up disturbs no other (A4)", async (t) => {
  const { connection, server, streams } = await open(t, () => {});
  const refused = await connection.call({
    path,
    bytes: Buffer.of(1),
    timeoutMs: 5_000,
    mayWrite: () => false,
  });
  assert.equal(refused.kind, "not-sent");
  const late = call(connection, Buffer.of(2), 20);
  assert.equal((await late).kind, "unseen");
  const next = call(connection, Buffer.of(3));
  await until("the server has both", () => streams.length === 2);
  server.on("stream", (stream) => answer(stream, prefixed(Buffer.of(9)), okay));
  assert.deepEqual(await call(connection, Buffer.of(4)), { kind: "response", bytes: Buffer.of(9) });
  assert.equal(streams[0]?.rstCode, 8, "the server is told that nobody waits");
  connection.close("closed");
  assert.deepEqual(await next, { kind: "unseen", status: 1, details: "closed" });
  assert.equal((await call(connection, Buffer.of(5))).kind, "not-sent");
});

test("more calls than the server takes at once are not kept until it has room (A4)", async (t) => {
  const { connection, streams } = await open(t, () => {}, { maxConcurrentStreams: 1 });
  const first = call(connection, Buffer.of(1));
  assert.equal((await call(connection, Buffer.of(2))).kind, "not-sent");
  await until("the server has the first", () => streams.length === 1);
  const [stream] = streams;
  assert.ok(stream);
  answer(stream, prefixed(Buffer.of(7)), okay);
  assert.equal((await first).kind, "response");
});

test("after a GOAWAY calls go on that were begun, and others are not sent", async (t) => {
  const { connection, server, streams } = await open(t, () => {});
  const begun = call(connection, Buffer.of(1));
  const passed = call(connection, Buffer.of(2));
  await until("the server has both", () => streams.length === 2);
  server.goaway(0, 1);
  await connection.retired;
  assert.equal((await call(connection, Buffer.of(3))).kind, "not-sent");
  assert.equal((await passed).kind, "unseen");
  const [stream] = streams;
  assert.ok(stream);
  answer(stream, prefixed(Buffer.of(7)), okay);
  assert.deepEqual(await begun, { kind: "response", bytes: Buffer.of(7) });
  await connection.closed;
});

test("calls under way are unseen when the connection ends, however it does (A3)", async (t) => {
  const ways: ((server: ServerHttp2Session) => void)[] = [
    (server) => server.destroy(),
    (server) => server.goaway(2),
    (server) => server.destroy(new Error("a mistake of the server")),
  ];
  for (const end of ways) {
    const { connection, server, streams } = await open(t, () => {});
    const begun = call(connection, Buffer.of(1));
    await until("the server has it", () => streams.length === 1);
    end(server);
    assert.equal((await begun).kind, "unseen");
    await connection.closed;
    assert.equal(connection.isOpen, false);
    assert.equal((await call(connection, Buffer.of(2))).kind, "not-sent");
  }
});

test("what answers and has no HTTP/2 is no connection", async (t) => {
  const other = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("220 mail.example.org ESMTP\r\n".repeat(10));
  });
  const connection = new GrpcConnection(await connectTo(t, other), target);
  assert.equal(await connection.opened, false);
  await connection.closed;
});

/** A server in a thread of its own, which goes on while the test stands still. */
const threadedServer = `
  const { parentPort, workerData: answered } = require("node:worker_threads");
  const http2 = require("node:http2").createServer();
  http2.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("close", () => setImmediate(() => {
      Atomics.store(answered, 0, 1);
      Atomics.notify(answered, 0);
    }));
    stream.resume().on("end", () => stream.end(Buffer.alloc(5)));
  });
  http2.listen(0, "127.0.0.1", () => parentPort.postMessage(http2.address().port));`;

test("an answer that has come counts, although this process stood still until the time was over", async (t) => {
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(threadedServer, { eval: true, workerData: answered });
  t.after(() => thread.terminate());
  const [port] = await once(thread, "message");
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  await once(socket, "connect");
  const connection = new GrpcConnection(socket, target);
  assert.equal(await connection.opened, true);
  const timeoutMs = 100;
  const over = performance.now() + timeoutMs;
  const result = call(connection, Buffer.alloc(0), timeoutMs);
  setImmediate(() => {
    Atomics.wait(answered, 0, 0, 10_000);
    while (performance.now() <= over);
  });
  assert.equal((await result).kind, "response");
});
