import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { pino } from "pino";
import type { TlsFiles } from "../../../libs/config/tls-files.ts";
import type { Limits } from "../../../services/gateway/http/limits.ts";
import { defaultLimits } from "../../../services/gateway/http/limits.ts";
import type { Authority } from "../../fixtures/certificates.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

interface Line {
  level: number;
  msg: string;
  limit?: string;
}

interface Listening {
  authority: Authority;
  port: number;
  lines: Line[];
  close(): Promise<void>;
  /** A TCP connection, without a handshake. */
  plain(): Promise<Socket>;
  /** A connection with TLS; rejects if the handshake fails. */
  secure(options?: ConnectionOptions): Promise<TLSSocket>;
}

/** A gateway that listens with TLS. `files` are by default a certificate of `authority`. */
async function listening(
  t: TestContext,
  {
    limits = {},
    files,
    authority,
  }: { limits?: Partial<Limits>; files?: TlsFiles; authority?: Authority } = {},
): Promise<Listening> {
  const issuer = authority ?? (await createAuthority());
  const written = () => issuer.issue(local).then((issued) => writeCertificate(temporaryFolder(t), issued));
  const tls = files ?? (await written());
  const lines: Line[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const gateway = buildGatewayApp({ tls, log, limits: { ...defaultLimits, ...limits } });
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return gateway.close();
  });
  const url = await gateway.listen();
  assert.match(url, /^https:/);
  const port = Number(new URL(url).port);
  const keep = <T extends Socket>(socket: T): T => {
    sockets.push(socket);
    socket.on("error", () => {});
    return socket;
  };
  return {
    authority: issuer,
    port,
    lines,
    close: () => gateway.close(),
    async plain() {
      const socket = keep(connectPlain(port, "127.0.0.1"));
      await once(socket, "connect");
      return socket;
    },
    async secure(options = {}) {
      const socket = keep(connect({ port, host: "127.0.0.1", ca: issuer.cert, ...options }));
      await once(socket, "secureConnect");
      return socket;
    },
  };
}

/** What comes over a connection until the other side closes it. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

async function answerTo(socket: Socket, request: string): Promise<string> {
  socket.write(request);
  const [answer] = await once(socket, "data");
  return String(answer);
}

const health = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
const serialOf = (socket: TLSSocket) => socket.getPeerCertificate().serialNumber;

test("TLS 1.2 and 1.3 are spoken, 1.1 is refused, and HTTP without TLS does no harm", async (t) => {
  const { secure, plain } = await listening(t);
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await secure({ minVersion: version, maxVersion: version });
    assert.match(await answerTo(socket, health), /^HTTP\/1\.1 /);
  }
  // OpenSSL's clients have TLS 1.1 only at this level.
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await assert.rejects(secure(old), { code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
  const http = await plain();
  http.write(health);
  assert.doesNotMatch(await readAll(http), /HTTP/);
  assert.match(await answerTo(await secure(), health), /^HTTP\/1\.1 /);
});

test("a client's certificate that is missing or not valid does not break the connection", async (t) => {
  const authority = await createAuthority();
  const folder = temporaryFolder(t);
  const written = writeCertificate(folder, await authority.issue(local));
  const ca = join(folder, "ca.crt");
  writeFileSync(ca, authority.cert);
  const { secure } = await listening(t, { authority, files: { ca, ...written } });
  const client = { name: "client", uris: ["spiffe://example/client"] };
  const others = await createAuthority();
  for (const certificate of [
    {},
    await authority.issue(client),
    await authority.issue({ ...client, expired: true }),
    await others.issue(client),
  ]) {
    assert.match(await answerTo(await secure(certificate), health), /^HTTP\/1\.1 /);
  }
});

test("a handshake that is not completed ends in time, is counted, and does not keep the gateway from closing", async (t) => {
  const { plain, secure, lines, close } = await listening(t, { limits: { headersMs: 300 } });
  const silent = await plain();
  await readAll(silent);
  await until("it is counted", () => lines.some(({ limit }) => limit === "headers"));
  assert.match(await answerTo(await secure(), health), /^HTTP\/1\.1 /);

  const patient = await listening(t);
  const pending = await patient.plain();
  const opened = await patient.secure();
  await answerTo(opened, health);
  const mute = await patient.secure();
  const startedAt = performance.now();
  await patient.close();
  await Promise.all([readAll(pending), readAll(mute)]);
  assert.ok(performance.now() - startedAt < 5_000);
  await close();
});

test("headers that do not come in time and what is no HTTP are answered over TLS", async (t) => {
  const { secure } = await listening(t, { limits: { headersMs: 300 } });
  const slow = await secure();
  slow.write("GET /health HTTP/1.1\r\nHo");
  assert.match(await readAll(slow), /^HTTP\/1\.1 408 [\s\S]*urn:kato:problem:request-timeout/);
  const senseless = await secure();
  senseless.write("this is no HTTP\r\n\r\n");
  assert.match(await readAll(senseless), /^HTTP\/1\.1 400 [\s\S]*This is not HTTP/);
  const many = await secure();
  many.write(health.repeat(500) + health.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.equal((await readAll(many)).split("HTTP/1.1 ").length - 1, 501);
});

test("with as many connections as allowed the longest idle one goes, be it in its handshake or idle", async (t) => {
  const { secure, plain } = await listening(t, { limits: { connections: 10 } });
  const handshaking = await plain();
  const idle = await secure();
  const upload = "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
  const busy = async () => assert.match(await answerTo(await secure(), upload), /^HTTP\/1\.1 100 /);
  for (let count = 0; count < 8; count++) await busy();
  const handshakeEnded = readAll(handshaking);
  await busy();
  await handshakeEnded;
  const idleEnded = readAll(idle);
  await busy();
  await idleEnded;
  // Only probes are answered on what comes now.
  const refused = await secure();
  refused.write("GET /p1/ping HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(await readAll(refused), /urn:kato:problem:overloaded/);
  assert.doesNotMatch(await answerTo(await secure(), health), /urn:kato:problem:overloaded/);
});

test("a new certificate is used for new connections, while open ones and an upload go on", async (t) => {
  const authority = await createAuthority();
  // As Kubernetes mounts a Secret: the files lead through a folder that is a symbolic link.
  const folder = temporaryFolder(t);
  const put = async (version: string) => {
    mkdirSync(join(folder, version));
    writeCertificate(join(folder, version), await authority.issue(local));
    symlinkSync(version, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  await put("1");
  for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder, name));
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const { secure, port, lines } = await listening(t, { authority, files });
  const kept = await secure();
  const first = serialOf(kept);
  const upload = httpsRequest({
    ...{ port, host: "127.0.0.1", ca: authority.cert, method: "POST", path: "/p1/observe" },
    headers: { "content-type": "application/json" },
  });
  upload.write('{"strings": [');
  await answerTo(kept, health);

  await put("2");
  const second = await until("the new one is served", async () => {
    const serial = serialOf(await secure());
    return serial !== first && serial;
  });
  assert.equal(lines.filter(({ msg }) => msg.includes("are in use")).length, 1);
  assert.match(await answerTo(kept, health), /^HTTP\/1\.1 /);
  upload.end('"a"]}');
  const [response] = await once(upload, "response");
  // There is no NATS in this test: the body was read.
  assert.equal(response.statusCode, 503);
  response.resume();

  // A key that does not fit: the certificate in use stays, which is told once.
  const other = await authority.issue(local);
  const warnings = () => lines.filter(({ level, msg }) => level === 40 && msg.includes("old certificate"));
  writeFileSync(join(folder, "2", "tls.crt"), other.cert);
  await until("it is told", () => warnings().length === 1);
  assert.equal(serialOf(await secure()), second);
  // Now the key is replaced too, by a rename.
  writeFileSync(join(folder, "key"), other.key);
  renameSync(join(folder, "key"), join(folder, "2", "tls.key"));
  await until("the third is served", async () => ![first, second].includes(serialOf(await secure())));
  assert.equal(warnings().length, 1);
});
