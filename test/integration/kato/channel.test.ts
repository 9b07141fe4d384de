import assert from "node:assert/strict";
import dns from "node:dns";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { KatoChannel } from "../../../libs/kato/channel.ts";
import { peerKind } from "../../../libs/kato/peer-kind.ts";
import { maxMessageBytes } from "../../../libs/kato/rpcs.ts";
import { freePort } from "../../fixtures/free-port.ts";
import type { GrpcServer, Handler } from "../../fixtures/grpc-server.ts";
import { startGrpcServer } from "../../fixtures/grpc-server.ts";
import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

const nothing = new Uint8Array();
const echo: Handler = ({ request }, callback) => callback(null, request);

/** A server that answers Ping as `ping` does and nothing else, for as long as the test runs. */
async function startServer(t: TestContext, ping: Handler, port?: number): Promise<GrpcServer> {
  const server = await startGrpcServer({ Ping: ping }, port);
  t.after(() => server.stop());
  return server;
}

function open(t: TestContext, port: number): KatoChannel {
  const channel = new KatoChannel(`127.0.0.1:${port}`);
  t.after(() => channel.close());
  return channel;
}

test("bytes are passed on unchanged, both ways", async (t) => {
  const { port } = await startServer(t, echo);
  const channel = open(t, port);
  assert.equal(await channel.connect(5_000), true);
  assert.equal(channel.ready, true);
  assert.equal(channel.connections, 1);
  // A view into a larger buffer, as a NATS message's data is.
  const bytes = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
  const result = await channel.call("Ping", bytes, 5_000);
  assert.deepEqual(result, { kind: "response", bytes: Buffer.from([1, 2, 3]) });
});

test("without a connection no call is sent", async (t) => {
  const port = await freePort();
  const channel = open(t, port);
  // A refused connection is known at once: more time than the test has is not waited for.
  assert.equal(await channel.connect(600_000), false);
  const result = await channel.call("Ping", nothing, 5_000);
  assert.equal(result.kind, "not-sent");
  assert.equal(channel.connections, 0);
});

test("the channel connects when the instance starts, and again when it is back", async (t) => {
  const port = await freePort();
  const channel = open(t, port);
  assert.equal(await channel.connect(200), false);
  const first = await startServer(t, echo, port);
  await until("it is connected", () => channel.ready, 5_000);
  assert.equal(channel.connections, 1);
  first.stop();
  await until("it is disconnected", () => !channel.ready, 5_000);
  await startServer(t, echo, port);
  await until("it is connected again", () => channel.ready, 5_000);
  assert.equal(channel.connections, 2);
  assert.equal((await channel.call("Ping", nothing, 5_000)).kind, "response");
});

test("a call that was sent and did not end is unseen, and is not sent again", async (t) => {
  let calls = 0;
  const port = await freePort();
  const server = await startServer(t, () => calls++, port);
  const channel = open(t, port);
  await channel.connect(5_000);
  const late = await channel.call("Ping", nothing, 150);
  assert.equal(late.kind, "unseen");
  assert.equal(channel.ready, true);
  const broken = channel.call("Ping", nothing, 5_000);
  await until("it was sent", () => calls === 2);
  server.stop();
  assert.equal((await broken).kind, "unseen");
  let after = 0;
  await startServer(
    t,
    (call, callback) => {
      after++;
      echo(call, callback);
    },
    port,
  );
  await until("it is connected again", () => channel.ready, 5_000);
  assert.equal((await channel.call("Ping", nothing, 5_000)).kind, "response");
  assert.equal(after, 1);
});

test("a call to an instance that does not answer is unseen when its time is over", async (t) => {
  const { port } = await startServer(t, () => {});
  const channel = open(t, port);
  await channel.connect(5_000);
  assert.equal((await channel.call("Ping", nothing, 300)).kind, "unseen");
});

test("a call whose connection breaks before the answer is unseen", async (t) => {
  let calls = 0;
  const { port } = await startServer(t, () => calls++);
  const proxy = await startTcpProxy(port);
  t.after(() => proxy.stop());
  const channel = open(t, proxy.port);
  await channel.connect(5_000);
  for (const how of ["reset", "end"] as const) {
    await until("it is connected", () => channel.ready, 5_000);
    const before = calls;
    const call = channel.call("Ping", nothing, 5_000);
    await until("the call has arrived", () => calls > before);
    proxy.cut(how);
    assert.equal((await call).kind, "unseen");
  }
});

test("a gRPC error from the instance is an answer", async (t) => {
  const { port } = await startServer(t, (_call, callback) =>
    callback({ code: status.INTERNAL, details: "Exception deserializing request!" }),
  );
  const channel = open(t, port);
  await channel.connect(5_000);
  assert.deepEqual(await channel.call("Ping", nothing, 5_000), {
    kind: "answered",
    status: status.INTERNAL,
    details: "Exception deserializing request!",
  });
  const unknown = await channel.call("Learn", nothing, 5_000);
  assert.equal(unknown.kind === "answered" && unknown.status, status.UNIMPLEMENTED);
});

test("a message over 4 MiB is RESOURCE_EXHAUSTED in both directions", async (t) => {
  let received = 0;
  const { port } = await startServer(t, ({ request }, callback) => {
    received++;
    callback(null, Buffer.alloc(request.length === 0 ? maxMessageBytes + 1 : 1));
  });
  const channel = open(t, port);
  await channel.connect(5_000);
  const tooLargeAnswer = await channel.call("Ping", nothing, 5_000);
  assert.equal(tooLargeAnswer.kind === "answered" && tooLargeAnswer.status, status.RESOURCE_EXHAUSTED);
  const tooLargeRequest = await channel.call("Ping", new Uint8Array(maxMessageBytes + 1), 5_000);
  assert.equal(tooLargeRequest.kind === "answered" && tooLargeRequest.status, status.RESOURCE_EXHAUSTED);
  assert.equal(received, 1);
  assert.equal((await channel.call("Ping", new Uint8Array(maxMessageBytes), 5_000)).kind, "response");
});

test("a peer that accepts the connection and says nothing is given up after a while, and is tried again", async (t) => {
  const instance = await startServer(t, echo);
  const sockets: Socket[] = [];
  const keep = (socket: Socket) => sockets.push(socket.on("error", () => {}));
  // Silent to the first connection, the instance itself to every other one.
  const peer = createServer((socket) => {
    if (keep(socket) === 1) return void socket.resume();
    const upstream = connect(instance.port, "127.0.0.1");
    keep(upstream);
    socket.pipe(upstream).pipe(socket);
  }).listen(await freePort(), "127.0.0.1");
  await once(peer, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    peer.close();
  });
  const channel = open(t, (peer.address() as AddressInfo).port);
  assert.equal(await channel.connect(300), false);
  assert.equal((await channel.call("Ping", nothing, 300)).kind, "not-sent");
  await until("it is connected", () => channel.ready, 8_000);
  assert.equal((await channel.call("Ping", nothing, 5_000)).kind, "response");
  await until("the connection that was given up is closed", () => sockets[0]?.destroyed);
});

test("a channel that is closed while the peer says nothing leaves no connection", async (t) => {
  const connections = new Set<Socket>();
  const peer = createServer((socket) => {
    connections.add(socket.resume().on("close", () => connections.delete(socket)));
  }).listen(0, "127.0.0.1");
  await once(peer, "listening");
  t.after(() => peer.close());
  const channel = new KatoChannel(`127.0.0.1:${(peer.address() as AddressInfo).port}`);
  await until("it is connecting", () => connections.size > 0);
  channel.close();
  await until("the connection is closed", () => connections.size === 0);
});

test("an instance that may be restarting is looked for often, and less often after 2 s", async (t) => {
  const tried: number[] = [];
  const server = createServer((socket) => {
    tried.push(performance.now());
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const openedAt = performance.now();
  const channel = open(t, (server.address() as AddressInfo).port);
  // Without a look at its state a channel that has failed to connect stays as it is.
  await until("it is patient", () => {
    void channel.connect(0);
    const [before = 0, latest = 0] = tried.slice(-2);
    return latest - before > 350 && latest - openedAt > 2_000;
  });
  const soon = tried.filter((at) => at - openedAt < 1_600);
  const pauses = soon.slice(1).map((at, index) => at - (soon[index] ?? 0));
  assert.ok(Math.max(...pauses) < 500, `pauses of ${pauses.map(Math.round)} ms`);
});

test("closing ends the calls under way and everything that waits", async (t) => {
  const begun = Promise.withResolvers<void>();
  const { port } = await startServer(t, () => begun.resolve());
  const channel = open(t, port);
  await channel.connect(5_000);
  const call = channel.call("Ping", nothing, 10_000);
  await begun.promise;
  const change = channel.stateChange();
  channel.close();
  await change;
  assert.deepEqual(await call, {
    kind: "unseen",
    status: status.CANCELLED,
    details: "the channel was closed",
  });
  assert.equal(channel.ready, false);
  assert.equal(await channel.connect(1_000), false);
  assert.equal((await channel.call("Ping", nothing, 1_000)).kind, "not-sent");
});

test("a channel that is not allowed does not connect, and one that is no longer allowed disconnects", async (t) => {
  const { port } = await startServer(t, echo);
  let refusal: string | undefined = "not allowed";
  const asked: string[] = [];
  const channel = new KatoChannel(`127.0.0.1:${port}`, async (endpoint) => {
    asked.push(endpoint);
    return refusal === undefined ? { addresses: ["127.0.0.1"] } : { refusal };
  });
  t.after(() => channel.close());
  assert.equal(await channel.connect(5_000), false);
  assert.equal(channel.refusal, "not allowed");
  assert.equal((await channel.call("Ping", nothing, 5_000)).kind, "not-sent");
  assert.equal(channel.connections, 0);

  refusal = undefined;
  assert.equal(await channel.connect(5_000), true);
  assert.equal((await channel.call("Ping", nothing, 5_000)).kind, "response");
  assert.equal(channel.connections, 1);

  refusal = "not any more";
  assert.equal(await channel.connect(5_000), false);
  assert.equal(channel.ready, false);
  refusal = undefined;
  assert.equal(await channel.connect(5_000), true);
  assert.equal(
    channel.connections,
    2,
    "another connection, behind which may be another start of the instance",
  );
  assert.deepEqual(new Set(asked), new Set([`127.0.0.1:${port}`]));
});

test("a host with the name of one of gRPC's schemes is a host", async (t) => {
  const before = process.cwd();
  const folder = temporaryFolder(t);
  process.chdir(folder);
  const server = createServer();
  t.after(() => {
    process.chdir(before);
    server.close();
  });
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    socket.destroy();
  });
  server.listen(join(folder, "1441"));
  await once(server, "listening");
  const channel = new KatoChannel("unix:1441");
  t.after(() => channel.close());
  assert.equal(await channel.connect(5_000), false);
  assert.equal(connections, 0);
});

test("no proxy that the environment names is used", async (t) => {
  const { port } = await startServer(t, echo);
  const names = ["http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "ALL_PROXY", "no_proxy"];
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  for (const name of names) process.env[name] = name === "no_proxy" ? "example.org" : "http://127.0.0.1:9";
  assert.equal(await open(t, port).connect(5_000), true);
});

/** A name whose address can be changed. */
function startNameServer(t: TestContext, first: string): { name: string; address: string } {
  const record = { name: "kato-instance.test", address: first };
  const { lookup } = dns.promises;
  t.mock.method(dns.promises, "lookup", async (host: string, ...options: []) =>
    host === record.name ? [{ address: record.address, family: 4 }] : lookup(host, ...options),
  );
  return record;
}

/** Keeps asking for a connection, as the worker does while an instance is away. */
const untilConnected = (channel: KatoChannel) =>
  until("it is connected", async () => channel.ready || (await channel.connect(100)), 2_000);

test("an instance that comes back under its name at another address is found within two seconds", async (t) => {
  const record = startNameServer(t, "127.0.0.1");
  const server = await startServer(t, echo);
  const channel = new KatoChannel(`${record.name}:${server.port}`);
  t.after(() => channel.close());
  await untilConnected(channel);
  server.stop();
  await until("it is gone", async () => !channel.ready && !(await channel.connect(50)));
  record.address = "127.0.0.2";
  const other = await startGrpcServer({ Ping: echo }, server.port, record.address);
  t.after(() => other.stop());
  await untilConnected(channel);
  assert.equal((await channel.call("Ping", nothing, 1_000)).kind, "response");
});

test("it connects to the addresses that were checked, whatever the name leads to by then", async (t) => {
  const record = startNameServer(t, "127.0.0.2");
  const authorities: string[] = [];
  const server = await startServer(t, (call, callback) => {
    authorities.push(call.getHost());
    echo(call, callback);
  });
  const elsewhere = await startGrpcServer({ Ping: () => {} }, server.port, "127.0.0.2");
  t.after(() => elsewhere.stop());
  const located: string[][] = [];
  const channel = new KatoChannel(`${record.name}:${server.port}`, async () => {
    // An address of each family, as localhost has.
    const addresses = ["::1", "127.0.0.1"];
    located.push(addresses);
    return { addresses };
  });
  t.after(() => channel.close());
  await untilConnected(channel);
  assert.equal((await channel.call("Ping", nothing, 1_000)).kind, "response");
  assert.equal(await channel.connect(1_000), true);
  assert.deepEqual(
    [located.length, channel.connections],
    [2, 1],
    "the same addresses are the same connection",
  );
  assert.deepEqual(authorities, [channel.endpoint], "the server is called by its name");
});

test("a host that cannot be resolved is not connected to, and loses no connection", async (t) => {
  const { port } = await startServer(t, echo);
  let addresses: string[] = [];
  const channel = new KatoChannel(`kato-instance.test:${port}`, async () => ({ addresses }));
  t.after(() => channel.close());
  assert.equal(await channel.connect(5_000), false);
  addresses = ["127.0.0.1"];
  assert.equal(await channel.connect(5_000), true);
  addresses = [];
  assert.equal(await channel.connect(5_000), true);
  assert.equal(channel.connections, 1);
});

test("so is one whose old address is silent, before the connection and after", async (t) => {
  const record = startNameServer(t, "127.0.0.1");
  const silent = createServer((socket) => socket.resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const channel = new KatoChannel(`${record.name}:${port}`);
  t.after(() => channel.close());
  assert.equal(await channel.connect(300), false);
  record.address = "127.0.0.2";
  const other = await startGrpcServer({ Ping: (_call, _callback) => {} }, port, record.address);
  t.after(() => other.stop());
  await untilConnected(channel);
  assert.equal((await channel.call("Ping", nothing, 100)).kind, "unseen");
  record.address = "127.0.0.3";
  const third = await startGrpcServer({ Ping: echo }, port, record.address);
  t.after(() => third.stop());
  const answers = async () => {
    await channel.connect(100);
    return (await channel.call("Ping", nothing, 100)).kind === "response";
  };
  await until("the third answers", answers, 2_000);
});

test("what answers and is no gRPC server is told", async (t) => {
  const rest = createHttpServer();
  const nats = createServer((socket) =>
    socket.resume().write('INFO {"server_id":"x","version":"2.11.0"}\r\n'),
  );
  const other = createServer((socket) => socket.resume().write("220 mail.example.org ESMTP\r\n"));
  const kinds: string[] = [];
  for (const server of [rest, nats, other]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const channel = open(t, (server.address() as AddressInfo).port);
    await until("it is told", async () => !(await channel.connect(200)) && channel.answering !== undefined);
    kinds.push(channel.answering ?? "");
  }
  assert.deepEqual(kinds, [
    "an HTTP/1.1 server, perhaps a REST port",
    "a NATS server",
    "something that is not gRPC",
  ]);
  const { port } = await startServer(t, echo);
  assert.equal(await peerKind(`127.0.0.1:${port}`, 5_000), undefined);
  assert.equal(await peerKind(`127.0.0.1:${await freePort()}`, 5_000), undefined);
});
