import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { gatewaySettings } from "../../../services/gateway/settings.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const folder = temporaryFolder({ after });
const authority = await createAuthority();
const { cert, key } = writeCertificate(folder, await authority.issue(local));
const other = writeCertificate(folder, await authority.issue({ ...local, expired: true }), "other");
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const ca = file("ca.crt", authority.cert + authority.cert);

const tlsOf = (variables: Record<string, string>) => gatewaySettings(new Environment(variables)).tls;

test("a certificate with its key is taken, also an expired one, and with CAs for clients", () => {
  const settings = { GATEWAY_TLS_CERT_FILE: cert, GATEWAY_TLS_KEY_FILE: key };
  assert.deepEqual(tlsOf({}), undefined);
  assert.deepEqual(tlsOf(settings), { cert, key });
  assert.deepEqual(tlsOf({ GATEWAY_TLS_CERT_FILE: other.cert, GATEWAY_TLS_KEY_FILE: other.key }), other);
  assert.deepEqual(tlsOf({ ...settings, GATEWAY_TLS_CLIENT_CA_FILE: ca }), { ca, cert, key });
});

test("files that are missing, of no use or do not fit together stop the start, and the setting is named", () => {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const damaged = authority.cert.replace(/[A-Za-z0-9+/]{64}/, "A".repeat(64));
  const [certs, keys, cas] = ["GATEWAY_TLS_CERT_FILE", "GATEWAY_TLS_KEY_FILE", "GATEWAY_TLS_CLIENT_CA_FILE"];
  const wrong: [Record<string, string>, RegExp][] = [
    [{ [certs]: cert }, /GATEWAY_TLS_KEY_FILE has to be set with GATEWAY_TLS_CERT_FILE/],
    [{ [keys]: key }, /GATEWAY_TLS_CERT_FILE has to be set with GATEWAY_TLS_KEY_FILE/],
    [{ [cas]: ca }, /GATEWAY_TLS_CLIENT_CA_FILE is of use only with GATEWAY_TLS_CERT_FILE/],
    [{ [certs]: join(folder, "nosuch"), [keys]: key }, /GATEWAY_TLS_CERT_FILE names .*nosuch, .* ENOENT/],
    [{ [certs]: folder, [keys]: key }, /GATEWAY_TLS_CERT_FILE names .* EISDIR/],
    [{ [certs]: cert, [keys]: other.key }, /GATEWAY_TLS_KEY_FILE names .*not the key of the certificate/],
    [{ [certs]: key, [keys]: key }, /GATEWAY_TLS_CERT_FILE .*has no certificate in PEM/],
    [
      { [certs]: file("damaged", damaged), [keys]: key },
      /GATEWAY_TLS_CERT_FILE .*certificate that is damaged/,
    ],
    [{ [certs]: cert, [keys]: file("locked", privateKey) }, /GATEWAY_TLS_KEY_FILE .*without a passphrase/],
    [{ [certs]: cert, [keys]: key, [cas]: file("empty", "") }, /GATEWAY_TLS_CLIENT_CA_FILE .*no certificate/],
  ];
  for (const [variables, message] of wrong) {
    assert.throws(() => tlsOf(variables), { name: "SettingsError", message });
  }
});
