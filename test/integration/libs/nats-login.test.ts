import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, test } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { Environment } from "../../../libs/config/environment.ts";
import { NatsLink } from "../../../libs/nats/connection.ts";
import { isAtLeast, natsServers } from "../../../libs/nats/servers.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { including, startNats } from "../../fixtures/nats-server.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

const folder = temporaryFolder({ after });
const authority = await createAuthority();
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const ca = file("ca.crt", authority.cert);

/** A connection by these settings. Its warnings are kept. */
async function open(t: TestContext, settings: Record<string, string>) {
  const warnings: string[] = [];
  const environment = new Environment(settings);
  const servers = natsServers(environment);
  environment.check();
  const stop = new AbortController();
  const opening = NatsLink.open({
    ...servers,
    replicas: 1,
    name: "test",
    inbox: "gateway",
    log: { info() {}, warn: (fields, message) => warnings.push(`${JSON.stringify(fields)} ${message}`) },
    stopping: stop.signal,
  });
  t.after(async () => {
    stop.abort();
    await (await opening)?.close();
  });
  return { opening, warnings };
}

async function opened(t: TestContext, settings: Record<string, string>) {
  const { opening, warnings } = await open(t, settings);
  const link = await opening;
  assert.ok(link);
  return { link, warnings };
}

/** A nats-server with these lines in its configuration, for as long as the test runs. */
async function nats(t: TestContext, config: string[]): Promise<TestNatsServer> {
  const server = await startNats({ config });
  t.after(() => server.stop());
  return server;
}

/** The lines for TLS with these files. They are read again when the server starts. */
const tlsLines = ({ cert, key }: { cert: string; key: string }, more = "") => [
  `tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)}${more} }`,
];

test("with tls:// a server is verified by its CA and by its name or address", async (t) => {
  const server = await nats(t, tlsLines(writeCertificate(folder, await authority.issue(local), "both")));
  for (const url of [
    `tls://127.0.0.1:${server.port}`,
    `tls://localhost:${server.port}`,
    `nats://localhost:${server.port}`,
  ]) {
    const { link } = await opened(t, { NATS_URL: url, NATS_CA_FILE: ca });
    assert.equal(link.connected, true, url);
  }
});

test("a server of another CA, for another name or without TLS is not connected to", async (t) => {
  const strange = await (await createAuthority()).issue(local);
  const misnamed = await authority.issue({ dns: ["localhost"] });
  const servers = [
    await nats(t, tlsLines(writeCertificate(folder, strange, "stranger"))),
    // It is reached under its address, which its certificate does not have.
    await nats(t, tlsLines(writeCertificate(folder, misnamed, "named"))),
    await nats(t, []),
  ];
  const openings = await Promise.all(
    servers.map(({ port }) => open(t, { NATS_URL: `tls://127.0.0.1:${port}`, NATS_CA_FILE: ca })),
  );
  // It is told only of what is not connected to after a second.
  await until("it is told of each", () => openings.every(({ warnings }) => warnings.length > 0));
  const [stranger, named, plain] = openings.map(({ warnings }) => warnings[0] ?? "");
  assert.match(stranger ?? "", /"reason":"[^"]*certificate.*no TLS that can be verified/);
  assert.match(named ?? "", /"reason":"[^"]*does not match/);
  assert.match(plain ?? "", /"reason":"[^"]*does not support 'tls'/);
});

test("new files of TLS are used at the next connection, and files that are of no use change nothing", async (t) => {
  const paths = writeCertificate(folder, await authority.issue(local), "server");
  const clients = file("clients.crt", authority.cert);
  const server = await nats(t, tlsLines(paths, `, ca_file: ${JSON.stringify(clients)}, verify: true`));
  const own = writeCertificate(folder, await authority.issue({ name: "client" }), "client");
  const trusted = file("trusted.crt", authority.cert);
  const { link, warnings } = await opened(t, {
    NATS_URL: `tls://127.0.0.1:${server.port}`,
    NATS_CA_FILE: trusted,
    NATS_CERT_FILE: own.cert,
    NATS_KEY_FILE: own.key,
  });
  writeFileSync(own.cert, "half a certifica");
  await server.restart();
  await until("it is connected again", () => link.connected && link.reconnects === 1);
  const told = warnings.filter((line) =>
    /NATS_CERT_FILE.*client\.crt.*what it had before is used/.test(line),
  );
  assert.equal(told.length, 1, warnings.join("\n"));

  const next = await createAuthority();
  writeCertificate(folder, await next.issue(local), "server");
  for (const path of [clients, trusted]) writeFileSync(path, next.cert);
  writeCertificate(folder, await next.issue({ name: "client" }), "client");
  await server.restart();
  await until("it is connected to the new one", () => link.connected && link.reconnects === 2);
});

test("a password in a file is read anew at each connection", async (t) => {
  const beside = temporaryFolder(t);
  const users = (password: string) =>
    writeFileSync(
      join(beside, "users.conf"),
      `authorization { users [{ user: me, password: "${password}" }] }\n`,
    );
  users("one");
  const password = file("password", "one\n");
  const server = await nats(t, [including(join(beside, "users.conf"))]);
  const { link } = await opened(t, {
    NATS_URL: `nats://me@127.0.0.1:${server.port}`,
    NATS_PASSWORD_FILE: password,
  });
  users("two");
  process.kill(server.pid, "SIGHUP");
  await until("it is refused", () => !link.connected);
  writeFileSync(password, "two");
  await until("it is connected again", () => link.connected);
});

test("a credentials file is read anew at each connection", async (t) => {
  const operator = nkeys.createOperator();
  const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
  const sign = (by: typeof operator, subject: string, nats: object) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = {
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1_000),
      iss: by.getPublicKey(),
      name: "test",
      sub: subject,
      nats,
    };
    const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
    return `${text}.${Buffer.from(by.sign(Buffer.from(text))).toString("base64url")}`;
  };
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  };
  const newUser = () => {
    const user = nkeys.createUser();
    const jwt = sign(account, user.getPublicKey(), {
      type: "user",
      version: 2,
      pub: {},
      sub: {},
      subs: -1,
      data: -1,
      payload: -1,
    });
    const seed = Buffer.from(user.getSeed()).toString();
    const text = `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    return { key: user.getPublicKey(), text };
  };
  const [first, second] = [newUser(), newUser()];
  const accounts = [account, system].map((each) => {
    const key = each.getPublicKey();
    return `${key}: ${sign(operator, key, { type: "account", version: 2, limits })}`;
  });
  const server = await nats(t, [
    `operator: ${sign(operator, operator.getPublicKey(), { type: "operator", version: 2 })}`,
    `system_account: ${system.getPublicKey()}`,
    "resolver: MEMORY",
    `resolver_preload: { ${accounts.join(", ")} }`,
  ]);
  const credentials = file("user.creds", first.text);
  const { link } = await opened(t, { NATS_URL: server.url, NATS_CREDENTIALS_FILE: credentials });
  if (!isAtLeast(link.connection.info?.version ?? "", "2.10.0")) {
    t.skip("this NATS does not tell a client who it is");
    return;
  }
  const user = async () =>
    (await link.connection.request("$SYS.REQ.USER.INFO")).json<{ data: { user: string } }>().data.user;
  assert.equal(await user(), first.key);
  writeFileSync(credentials, second.text);
  await link.connection.reconnect();
  await until("it is connected again", () => link.reconnects === 1 && link.connected);
  assert.equal(await user(), second.key);
});
