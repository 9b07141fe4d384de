import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { Environment } from "../../../libs/config/environment.ts";
import { natsServers } from "../../../libs/nats/servers.ts";
import { createAuthority } from "../../fixtures/certificates.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const folder = temporaryFolder({ after });
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const ca = file("ca.crt", (await createAuthority()).cert);
const password = file("password", "p@ss word\n");
const seed = Buffer.from(nkeys.createUser().getSeed()).toString();
const credentials = file(
  "user.creds",
  `-----BEGIN JWT-----\nx.y.z\n-----END JWT-----\n-----BEGIN SEED-----\n${seed}\n-----END SEED-----\n`,
);

function natsOf(settings: Record<string, string>) {
  const environment = new Environment(settings);
  const servers = natsServers(environment);
  environment.check();
  return servers;
}

test("TLS is demanded by tls:// of one server, and by a file for it", () => {
  assert.equal(natsOf({ NATS_URL: "nats://a:1" }).tls, undefined);
  assert.deepEqual(natsOf({ NATS_URL: "nats://me:x@a:1,TLS://b" }), {
    servers: ["nats://a:1", "TLS://b"],
    credentials: { user: "me", pass: "x" },
    tls: {},
  });
  assert.deepEqual(natsOf({ NATS_URL: "a:1", NATS_CA_FILE: ca }).tls, { ca });
});

test("a password or the credentials may be in a file", () => {
  const { credentials: login } = natsOf({ NATS_URL: "tls://m%40e@a:1", NATS_PASSWORD_FILE: password });
  assert.deepEqual(login, { user: "m@e", passwordFile: password });
  assert.deepEqual(natsOf({ NATS_CREDENTIALS_FILE: credentials }).credentials, {
    credentialsFile: credentials,
  });
});

test("files that are of no use, and more than one login, stop the start, and the setting is named", () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ NATS_CA_FILE: password }, /NATS_CA_FILE .*no certificate/],
    [{ NATS_CERT_FILE: ca }, /NATS_KEY_FILE has to be set with NATS_CERT_FILE/],
    [{ NATS_PASSWORD_FILE: password }, /NATS_PASSWORD_FILE needs a user in NATS_URL/],
    [
      { NATS_URL: "me:secret@a", NATS_PASSWORD_FILE: password },
      /NATS_PASSWORD_FILE and a password in NATS_URL/,
    ],
    [{ NATS_URL: "me@a", NATS_PASSWORD_FILE: join(folder, "nosuch") }, /NATS_PASSWORD_FILE .*ENOENT/],
    [{ NATS_URL: "me@a", NATS_PASSWORD_FILE: file("empty", "\n") }, /NATS_PASSWORD_FILE .*is empty/],
    [{ NATS_CREDENTIALS_FILE: password }, /NATS_CREDENTIALS_FILE .*does not have a user's JWT and its seed/],
    [
      { NATS_URL: "me@a", NATS_CREDENTIALS_FILE: credentials },
      /NATS_CREDENTIALS_FILE and a user in NATS_URL/,
    ],
    [
      { NATS_URL: "a", NATS_CREDENTIALS_FILE: credentials, NATS_PASSWORD_FILE: password },
      /NATS_CREDENTIALS_FILE and NATS_PASSWORD_FILE/,
    ],
  ];
  for (const [settings, message] of wrong) {
    assert.throws(
      () => natsOf(settings),
      (error: Error) => message.test(error.message) && !/secret|p@ss/.test(error.message),
      String(message),
    );
  }
});
