import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import type { TlsOptions } from "node:tls";
import type { TlsFiles } from "../../../libs/config/tls-files.ts";
import { KatoChannel } from "../../../libs/kato/channel.ts";
import { locateAnywhere } from "../../../libs/kato/host-addresses.ts";
import { instanceContext } from "../../../libs/kato/instance-tls.ts";
import { askId } from "../../../libs/registry/declarations.ts";
import type { Authority, Certificate } from "../../fixtures/certificates.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import type { GrpcServer } from "../../fixtures/grpc-server.ts";
import { startGrpcServer } from "../../fixtures/grpc-server.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import type { TlsProxy } from "../../fixtures/tls-proxy.ts";
import { startTlsProxy } from "../../fixtures/tls-proxy.ts";
import { until } from "../../fixtures/until.ts";

const folder = temporaryFolder({ after });
const ca = join(folder, "ca.crt");
const nothing = new Uint8Array();
let authority: Authority;
let certificate: Certificate;
let instance: GrpcServer;
before(async () => {
  authority = await createAuthority();
  writeFileSync(ca, authority.cert);
  certificate = await authority.issue(local);
  instance = await startGrpcServer({ Ping: ({ request }, callback) => callback(null, request) });
});
after(() => instance.stop());

/** A proxy before the instance, or one that says nothing, for as long as the test runs. */
async function proxyOf(
  t: TestContext,
  options: TlsOptions,
  targetPort: number | undefined = instance.port,
): Promise<TlsProxy> {
  const proxy = await startTlsProxy(targetPort, options);
  t.after(() => proxy.stop());
  return proxy;
}

function open(t: TestContext, endpoint: string, files: TlsFiles = { ca }): KatoChannel {
  const channel = new KatoChannel(endpoint, undefined, instanceContext(files, { warn: () => {} }));
  t.after(() => channel.close());
  return channel;
}

/** Why a channel cannot connect. */
const failureOf = (channel: KatoChannel) =>
  until("it is told", async () => !(await channel.connect(500)) && channel.tlsFailure);

test("an instance behind a proxy is called over TLS, under its name and under its address", async (t) => {
  const { port } = await proxyOf(t, certificate);
  for (const host of ["localhost", "127.0.0.1"]) {
    const channel = open(t, `${host}:${port}`);
    assert.equal(await channel.connect(5_000), true, channel.tlsFailure);
    assert.equal(channel.tlsFailure, undefined);
    const result = await channel.call("Ping", new Uint8Array([1, 2, 3]), 5_000);
    assert.deepEqual(result, { kind: "response", bytes: Buffer.from([1, 2, 3]) });
  }
});

test("what is not verified is not connected to, and it is told why without the host", async (t) => {
  const elsewhere = await authority.issue({ dns: ["other.example"], addresses: ["127.0.0.9"] });
  const unaddressed = await authority.issue({ dns: ["localhost"] });
  const stranger = await (await createAuthority("another authority")).issue(local);
  const expired = await authority.issue({ ...local, expired: true });
  const cases: [TlsOptions, RegExp, string?][] = [
    [elsewhere, /is not for the host of its endpoint/],
    [unaddressed, /is not for the host of its endpoint/, "127.0.0.1"],
    [stranger, /no CA that is trusted/],
    [expired, /has expired/],
    [
      { ...certificate, maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" },
      /version|protocol/i,
    ],
  ];
  for (const [options, reason, host = "localhost"] of cases) {
    const { port } = await proxyOf(t, options);
    const channel = open(t, `${host}:${port}`);
    const failure = await failureOf(channel);
    assert.match(failure, reason);
    assert.doesNotMatch(failure, /localhost|127\.0\.0/);
    assert.equal((await channel.call("Ping", nothing, 500)).kind, "not-sent");
  }
  assert.match(await failureOf(open(t, `localhost:${instance.port}`)), /has no TLS/);
});

test("an instance with TLS that is registered without is told as what it is", async (t) => {
  // The alert by which OpenSSL answers what is no TLS.
  const alert = Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 70]);
  const server = createServer((socket) => socket.on("error", () => {}).end(alert)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const plain = new KatoChannel(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => plain.close());
  await until("it is told", async () => !(await plain.connect(200)) && plain.answering !== undefined);
  assert.equal(plain.answering, "a TLS server, which needs grpc_tls");
});

test("without a CA of its own it is verified by those that Node has, and asking for an id fails alike", async (t) => {
  const { port } = await proxyOf(t, certificate);
  assert.match(await failureOf(open(t, `localhost:${port}`, {})), /no CA that is trusted/);
  const context = instanceContext({}, { warn: () => {} });
  await assert.rejects(
    askId(`localhost:${port}`, { locate: locateAnywhere, timeoutMs: 2_000, context }),
    /TLS with it fails: no CA that is trusted/,
  );
});

test("a client's certificate is shown, and where it is not accepted that is told", async (t) => {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const { port } = await proxyOf(t, { ...certificate, maxVersion, ca: authority.cert, requestCert: true });
    const own = writeCertificate(folder, await authority.issue({ name: "worker" }), "own");
    const accepted = open(t, `localhost:${port}`, { ca, ...own });
    assert.equal(await accepted.connect(5_000), true, accepted.tlsFailure);
    assert.match(await failureOf(open(t, `localhost:${port}`)), /does not accept the worker's certificate/);
  }
});

test("a connection that breaks is made again, with the files as they are then", async (t) => {
  const proxy = await proxyOf(t, certificate);
  const changing = join(folder, "changing.crt");
  writeFileSync(changing, authority.cert);
  const channel = open(t, `localhost:${proxy.port}`, { ca: changing });
  assert.equal(await channel.connect(5_000), true);
  const next = await createAuthority();
  proxy.renew(await next.issue(local));
  assert.match(await failureOf(channel), /no CA that is trusted/);
  writeFileSync(changing, next.cert);
  await until("it is connected again", () => channel.connect(500));
  assert.equal(channel.connections, 2);
  writeFileSync(changing, "nonsense");
  proxy.renew();
  await until(
    "it is connected a third time",
    async () => (await channel.connect(500)) && channel.connections === 3,
  );
});

test("a channel that is closed while the peer says nothing leaves no connection, be it before TLS or after", async (t) => {
  const connections = new Set<Socket>();
  const mute = createServer((socket) => {
    connections.add(socket.resume().on("close", () => connections.delete(socket)));
  }).listen(0, "127.0.0.1");
  await once(mute, "listening");
  t.after(() => mute.close());
  const before = open(t, `127.0.0.1:${(mute.address() as AddressInfo).port}`);
  await until("it is connecting", () => connections.size === 1);
  before.close();
  await until("the connection is closed", () => connections.size === 0);

  const silent = await startTlsProxy(undefined, certificate);
  t.after(() => silent.stop());
  const afterwards = open(t, `localhost:${silent.port}`);
  await until("the handshake is done", () => silent.connections === 1);
  assert.equal(afterwards.ready, false);
  afterwards.close();
  await until("the connection is closed", () => silent.connections === 0);
});
