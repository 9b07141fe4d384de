import assert from "node:assert/strict";
import type { OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { performServerHandshake } from "node:http2";
import { Duplex, duplexPair, Transform } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { GrpcConnection } from "../../../libs/kato/grpc-connection.ts";
import { Http2Connection } from "../../../libs/kato/http2/connection.ts";
import { headerBlock } from "../../../libs/kato/http2/hpack.ts";
import { readHuffman } from "../../../libs/kato/http2/huffman.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { until } from "../../fixtures/until.ts";

// The other side is Node's HTTP/2, over streams in memory.

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

interface Served {
  client: Duplex;
  server: ServerHttp2Session;
}

/** A server that takes streams. What it sends arrives in pieces of these lengths, one after the other. */
function serve(
  take: (stream: ServerHttp2Stream, body: Buffer) => void,
  { pieces = [], window = 65_535 }: { pieces?: number[]; window?: number } = {},
): Served {
  const [client, far] = duplexPair();
  const server = performServerHandshake(far, { settings: { initialWindowSize: window } });
  server.on("error", () => {});
  server.on("stream", (stream) => {
    const parts: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => take(stream, Buffer.concat(parts)));
  });
  const cut = client.pipe(cutting(pieces));
  const near = Duplex.from({ readable: cut, writable: client });
  return { client: near, server };
}

/** Passes on what it gets in pieces of these lengths. */
function cutting(pieces: number[]): Transform {
  let count = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let at = 0;
      while (pieces.length > 0 && at < chunk.length) {
        const length = pieces[count++ % pieces.length] ?? 1;
        this.push(chunk.subarray(at, at + length));
        at += length;
      }
      this.push(chunk.subarray(at));
      done();
    },
  });
}

function answer(stream: ServerHttp2Stream, body: Uint8Array, trailers: OutgoingHttpHeaders): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}

async function open({ client }: Pick<Served, "client">): Promise<GrpcConnection> {
  const connection = new GrpcConnection(client, target);
  assert.equal(await connection.opened, true);
  return connection;
}

const call = (connection: GrpcConnection, bytes: Uint8Array, timeoutMs = 5_000) =>
  connection.call({ path, bytes, timeoutMs });

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });
const sizes = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 120_000 }));

test("requests and responses of every size arrive, however they are cut and however little room there is", async () => {
  const property = fc.asyncProperty(
    fc.array(sizes, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1_000, max: 100_000 }),
    pieces,
    async (lengths, window, cuts) => {
      const served = serve((stream, body) => answer(stream, body, okay), { pieces: cuts, window });
      const connection = await open(served);
      const messages = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      const results = await Promise.all(messages.map((message) => call(connection, message)));
      assert.deepEqual(
        results,
        messages.map((bytes) => ({ kind: "response", bytes })),
      );
      connection.close("done");
    },
  );
  await fc.assert(property, { numRuns: 30 });
});

test("responses go on coming when the connection has had more than its first room", async () => {
  const large = prefixed(Buffer.alloc(4_000_000, 7));
  const connection = await open(serve((stream) => answer(stream, large, okay)));
  for (let count = 0; count < 10; count++)
    assert.equal((await call(connection, Buffer.of(1))).kind, "response");
  connection.close("done");
});

test("header fields are read as they were sent, from connections that refer to earlier ones", async () => {
  const texts = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  const names = fc.stringMatching(/^x-[a-z0-9-]{1,40}$/);
  const headers = fc.dictionary(names, texts, { maxKeys: 12, noNullPrototype: true });
  const property = fc.asyncProperty(
    fc.array(headers, { minLength: 1, maxLength: 12 }),
    pieces,
    async (all, cuts) => {
      let count = 0;
      const served = serve(
        (stream) => {
          const fields = all[count++ % all.length];
          stream.respond({ ":status": 200, ...fields }, { endStream: true });
        },
        { pieces: cuts },
      );
      const opened = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      const read: Record<string, string>[] = [];
      const connection = new Http2Connection(served.client, {
        opened: opened.resolve,
        fields: (_stream, fields) => {
          const { date: _, ":status": status, ...others } = Object.fromEntries(fields);
          assert.equal(status, "200");
          read.push(others);
          if (read.length === all.length) ended.resolve();
        },
        data: () => {},
        reset: (_, code) => ended.reject(new Error(`reset with ${code}`)),
        goAway: () => {},
        closed: (why) => ended.reject(new Error(why)),
      });
      await opened.promise;
      const block = headerBlock([
        [":method", "POST"],
        [":scheme", "http"],
        [":path", "/"],
        [":authority", "test"],
      ]);
      all.forEach((_, index) => {
        connection.send(2 * index + 1, block, Buffer.of(1));
      });
      await ended.promise;
      assert.deepEqual(read, all);
      connection.close();
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test("bytes that are no HTTP/2 end the connection, and every call that is under way", async () => {
  // What a server sends for two calls, as it is when nobody disturbs it.
  const recorded: Buffer[] = [];
  const served = serve((stream, body) => answer(stream, body, okay));
  const recorder = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      recorded.push(chunk);
      done(null, chunk);
    },
  });
  const near = Duplex.from({ readable: served.client.pipe(recorder), writable: served.client });
  const connection = await open({ client: near });
  for (const length of [3, 20_000]) await call(connection, Buffer.alloc(length));
  connection.close("done");
  const bytes = Buffer.concat(recorded);

  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(changes, pieces, async (changed, cuts) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changed) copy[at] = value;
    const [client, far] = duplexPair();
    const replayed = new GrpcConnection(
      Duplex.from({ readable: client.pipe(cutting(cuts)), writable: client }),
      target,
    );
    far.resume();
    // The settings come first, so that there is a connection to call over.
    far.write(copy.subarray(0, 60));
    const isOpen = await Promise.race([
      replayed.opened,
      new Promise((resolve) => setImmediate(resolve, false)),
    ]);
    const calls = isOpen ? [3, 20_000].map((length) => call(replayed, Buffer.alloc(length))) : [];
    far.end(copy.subarray(60));
    const kinds = (await Promise.all(calls)).map(({ kind }) => kind);
    await replayed.closed;
    assert.ok(kinds.every((kind) => ["response", "answered", "unseen"].includes(kind)));
  });
  await fc.assert(property, { numRuns: 150 });
});

test("what is said of a call is what gRPC has for it", async () => {
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
      (s) => answer(s, Buffer.alloc(0), { "grpc-status": "13", "grpc-message": "long".repeat(15_000) }),
      { kind: "answered", status: 13, details: "long".repeat(15_000) },
    ],
    [
      (s) => s.respond({ ":status": 404 }, { endStream: true }),
      { kind: "answered", status: 12, details: "HTTP status 404" },
    ],
    [
      (s) => s.respond({ ":status": 502 }, { endStream: true }),
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
      (s) => answer(s, prefixed(Buffer.of(7, 8)).subarray(0, 6), okay),
      { kind: "unseen", status: 13, details: "the response is not one whole message" },
    ],
    [
      (s) => answer(s, Buffer.concat([Buffer.of(1), prefixed(Buffer.of(7)).subarray(1)]), okay),
      { kind: "unseen", status: 13, details: "the response is compressed, which was not asked for" },
    ],
    [(s) => s.close(7), { kind: "unseen", status: 14, details: "RST_STREAM with the code 7" }],
  ];
  let take: (stream: ServerHttp2Stream) => void = () => {};
  const connection = await open(serve((stream) => take(stream)));
  for (const [how, expected] of cases) {
    take = how;
    assert.deepEqual(await call(connection, Buffer.of(1)), expected);
  }
  connection.close("done");
});

test("a call is not written if it may not be, and one that is given up disturbs no other (A4)", async () => {
  const taken: ServerHttp2Stream[] = [];
  const served = serve((stream) => taken.push(stream));
  const connection = await open(served);
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
  await until("the server has both", () => taken.length === 2);
  served.server.on("stream", (stream) => answer(stream, prefixed(Buffer.of(9)), okay));
  assert.deepEqual(await call(connection, Buffer.of(4)), { kind: "response", bytes: Buffer.of(9) });
  assert.equal(taken[0]?.rstCode, 8, "the server is told that nobody waits");
  connection.close("closed");
  assert.deepEqual(await next, { kind: "unseen", status: 1, details: "closed" });
  assert.equal((await call(connection, Buffer.of(5))).kind, "not-sent");
});

test("after a GOAWAY calls go on that were begun, and others are not sent", async () => {
  const taken: ServerHttp2Stream[] = [];
  const served = serve((stream) => taken.push(stream));
  const connection = await open(served);
  const begun = call(connection, Buffer.of(1));
  await new Promise((resolve) => served.server.once("stream", resolve));
  served.server.goaway(0, 1);
  await connection.retired;
  assert.equal((await call(connection, Buffer.of(2))).kind, "not-sent");
  const [stream] = taken;
  assert.ok(stream);
  answer(stream, prefixed(Buffer.of(7)), okay);
  assert.deepEqual(await begun, { kind: "response", bytes: Buffer.of(7) });
  await connection.closed;
});

test("texts in Huffman's code are read as RFC 7541 has them, and nothing else is one", () => {
  const read = (hex: string) => readHuffman(Buffer.from(hex, "hex"));
  assert.equal(read("f1e3c2e5f23a6ba0ab90f4ff"), "www.example.com");
  assert.equal(read("a8eb10649cbf"), "no-cache");
  assert.equal(read("9d29ad171863c78f0b97c8e9ae82ae43d3"), "https://www.example.com");
  assert.equal(read(""), "");
  for (const wrong of ["00", "ff", "a8eb10649cbfff", "ffffffff"])
    assert.throws(() => read(wrong), RangeError, wrong);
});
