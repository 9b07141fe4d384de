import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import test from "node:test";
import { katoClient } from "../../../libs/client/client.ts";
import { linesOf } from "../../../libs/client/fetch.ts";
import { nodeFetch } from "../../../libs/client-node/node-fetch.ts";
import { http } from "../../../libs/service/serve-http.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serve = async (t: TestContext, listener: RequestListener) =>
  `http://127.0.0.1:${await listening(t, http.createServer(listener))}`;

test("an answer is read while the request is still being sent", async (t) => {
  const url = await serve(t, (request, response) => {
    request.on("data", (chunk) => response.write(`got ${chunk}`));
    request.on("end", () => response.end());
  });
  const body = new PassThrough();
  body.write("one\n");
  const answer = await nodeFetch()(url, { method: "POST", headers: {}, body });
  const lines: string[] = [];
  for await (const some of linesOf(answer)) {
    lines.push(...some);
    if (lines.length === 1) body.end("two\n");
  }
  assert.deepEqual(lines, ["got one", "got two"]);
});

test("a request that is answered before its end is not sent to its end", async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(429).end("too much");
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(64 * 1024);
    } finally {
      resolve();
    }
  }
  const answer = await nodeFetch()(url, { method: "POST", headers: {}, body: endless() });
  assert.deepEqual([answer.status, await answer.text()], [429, "too much"]);
  await ended;
});

test("a signal ends a request, and not the connection that others use after it", async (t) => {
  const sockets = new Set<unknown>();
  const url = await serve(t, (request, response) => {
    sockets.add(request.socket);
    if (request.url === "/slow") response.write("begun\n");
    else response.end("done\n");
  });
  const fetch = nodeFetch();
  const stop = new AbortController();
  assert.equal(
    await (await fetch(`${url}/`, { method: "GET", headers: {}, signal: stop.signal })).text(),
    "done\n",
  );
  stop.abort(new Error("late"));
  assert.equal(await (await fetch(`${url}/`, { method: "GET", headers: {} })).text(), "done\n");
  assert.equal(sockets.size, 1);
  const early = new AbortController();
  const slow = await fetch(`${url}/slow`, { method: "GET", headers: {}, signal: early.signal });
  const reading = slow.text();
  early.abort(new Error("stopped"));
  await assert.rejects(reading);
});

test("a gateway behind TLS is reached with its authority and the client's own certificate, and else not", {
  skip: spawnSync("openssl", ["version"]).error ? "there is no openssl on this machine" : false,
}, async (t) => {
  const folder = temporaryFolder(t);
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const files = ["-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", ...kind, ...files, ...subject], { stdio: "ignore" });
  const [key, cert] = [keyFile, certFile].map((file) => readFileSync(file, "utf8"));
  assert.ok(key && cert);
  const server = createSecureServer({ key, cert, ca: cert, requestCert: true }, (_request, response) => {
    response.end('{"status": "ready"}');
  });
  const url = `https://127.0.0.1:${await listening(t, server)}`;
  const ready = (tls: Parameters<typeof nodeFetch>[0]) =>
    katoClient({ url, fetch: nodeFetch(tls), attempts: 1 }).gateway.ready();
  assert.deepEqual(await ready({ ca: cert, cert, key }), { status: "ready" });
  await assert.rejects(ready({}), { code: "UNREACHABLE", effect: "none", message: /SELF_SIGNED/ });
  await assert.rejects(ready({ ca: cert }), { code: "UNREACHABLE" });
});
