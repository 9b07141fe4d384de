import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { gatewaySettings } from "../../../services/gateway/settings.ts";
import { adminKey } from "../../fixtures/access.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const folder = temporaryFolder({ after });
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const access = (variables: Record<string, string | undefined>) =>
  gatewaySettings(new Environment(variables)).access;

test("a gateway on a loopback address is open, and any other does not start until it is told who may use it", () => {
  for (const host of ["", "127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"]) {
    assert.deepEqual([...access({ GATEWAY_HOST: host }).methods], [], host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "gateway.example"]) {
    assert.throws(
      () => access({ GATEWAY_HOST: host }),
      /GATEWAY_AUTH must be set, because the gateway listens on .*: keys, jwt, mtls .*, or none/,
      host,
    );
    assert.deepEqual([...access({ GATEWAY_HOST: host, GATEWAY_AUTH: "none" }).methods], []);
  }
  assert.deepEqual([...access({ GATEWAY_AUTH: "keys" }).methods], ["keys"]);
});

test("hosts are the loopback names on a loopback address, those that are set, or any", () => {
  assert.ok(access({}).hosts?.has("localhost"));
  assert.equal(access({ GATEWAY_HOST: "0.0.0.0", GATEWAY_AUTH: "none" }).hosts, undefined);
  assert.deepEqual([...(access({ GATEWAY_HOSTS: "KATO.example" }).hosts ?? [])], ["kato.example"]);
});

test("each wrong setting stops the start and is named", () => {
  const { env } = adminKey({ after });
  const jwt = {
    GATEWAY_AUTH: "jwt",
    JWT_JWKS: "https://issuer.example/keys",
    JWT_ISSUER: "i",
    JWT_AUDIENCE: "a",
  };
  assert.deepEqual(access(jwt).jwt?.algorithms, ["RS256", "ES256", "EdDSA"]);
  const wrong: [Record<string, string | undefined>, RegExp][] = [
    [{ GATEWAY_AUTH: "passwords" }, /GATEWAY_AUTH must be keys, jwt, mtls .* or none, not "passwords"/],
    [{ GATEWAY_AUTH: "none,keys" }, /GATEWAY_AUTH cannot be none and something else/],
    [
      { GATEWAY_AUTH: "keys", GATEWAY_ADMIN_KEY_FILE: join(folder, "none") },
      /GATEWAY_ADMIN_KEY_FILE names a file that cannot/,
    ],
    [
      { GATEWAY_AUTH: "keys", GATEWAY_ADMIN_KEY_FILE: file("short", "kato_x_y\n") },
      /GATEWAY_ADMIN_KEY_FILE names a file that has no key/,
    ],
    [
      { GATEWAY_AUTH: "keys", GATEWAY_KEYS_FILE: file("keys-1", `kato_x_${"A".repeat(43)}\n`) },
      /GATEWAY_KEYS_FILE names a file whose key 1 has wrong grants/,
    ],
    [{ GATEWAY_AUTH: "keys", GATEWAY_KEYS_FILE: file("keys-2", "kato_x {}") }, /key 1 is not kato_/],
    [{ ...jwt, JWT_JWKS: "" }, /JWT_JWKS is needed/],
    [{ ...jwt, JWT_ISSUER: "" }, /JWT_ISSUER is needed/],
    [{ ...jwt, JWT_AUDIENCE: "" }, /JWT_AUDIENCE is needed/],
    [{ ...jwt, JWT_JWKS: file("jwks", "{}") }, /JWT_JWKS names a file that is no JSON Web Key Set/],
    [{ ...jwt, JWT_ALGORITHMS: "RS256,HS256" }, /JWT_ALGORITHMS must be of .*, not "HS256"/],
    [{ ...jwt, JWT_ALGORITHMS: "none" }, /JWT_ALGORITHMS must be of/],
    [{ GATEWAY_AUTH: "mtls" }, /GRANTS_FILE is needed/],
    [{ GATEWAY_AUTH: "mtls" }, /GATEWAY_TLS_CLIENT_CA_FILE is needed/],
    [
      { GRANTS_FILE: file("grants", '{"x": {"processors": ["*"], "scope": "root"}}') },
      /GRANTS_FILE .* wrong about "x": scope must be/,
    ],
    [{ GRANTS_FILE: file("list", "[]") }, /GRANTS_FILE names a file that is no object/],
    [{ GRANTS_FILE: file("text", "x") }, /GRANTS_FILE names a file that is not JSON/],
    [{ METRICS_ALLOW: "10.0.0.0/33" }, /METRICS_ALLOW has "10.0.0.0\/33"/],
    [{ PRINCIPAL_HEADER: "x-user", PRINCIPAL_PROXIES: "10.0.0.256" }, /PRINCIPAL_PROXIES has "10.0.0.256"/],
    [
      { PRINCIPAL_HEADER: "x-user", GATEWAY_HOST: "0.0.0.0", GATEWAY_AUTH: "none" },
      /PRINCIPAL_PROXIES is needed with PRINCIPAL_HEADER/,
    ],
    [{ PRINCIPAL_REQUESTS_PER_SECOND: "-1" }, /PRINCIPAL_REQUESTS_PER_SECOND/],
    [{ AUDIT_DAYS: "0" }, /AUDIT_DAYS/],
  ];
  for (const [variables, message] of wrong) assert.throws(() => access({ ...env, ...variables }), message);
});

test("programs that are deployed with a gateway have keys in a file, each with its grants", () => {
  const grants = { processors: ["*"], scope: "discovery", source: "docker" };
  const text = `kato_discovery_${"A".repeat(43)}`;
  const GATEWAY_KEYS_FILE = file("program-keys", `\n${text} ${JSON.stringify(grants)}\n`);
  assert.deepEqual(access({ GATEWAY_AUTH: "keys", GATEWAY_KEYS_FILE }).fileKeys, [
    { id: "discovery", text, grants },
  ]);
  assert.deepEqual(access({ GATEWAY_AUTH: "none", GATEWAY_KEYS_FILE }).fileKeys, []);
});

test("an address is the same in all its forms", () => {
  const { metricsReaders } = access({ METRICS_ALLOW: "10.0.0.0/8, [fd00::]/8, 192.168.1.1" });
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "192.168.1.1"])
    assert.ok(metricsReaders.has(address), address);
  for (const address of ["11.0.0.1", "192.168.1.2", "fe00::1", "", "x"])
    assert.ok(!metricsReaders.has(address), address);
});
