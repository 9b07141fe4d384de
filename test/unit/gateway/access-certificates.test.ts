import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as open } from "node:https";
import { json } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { addressList } from "../../../services/gateway/access/address-list.ts";
import type { Authority } from "../../fixtures/certificates.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import type { GatewayApp } from "../../fixtures/gateway-app.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const folder = temporaryFolder({ after });
const [authority, stranger] = await Promise.all([createAuthority(), createAuthority("another CA")]);
let gateway: GatewayApp;
let url: string;

before(async () => {
  const server = writeCertificate(folder, await authority.issue(local), "server");
  const ca = writeCertificate(folder, { cert: authority.cert, key: authority.key }, "ca").cert;
  gateway = buildGatewayApp({
    tls: { ...server, ca },
    access: {
      methods: new Set(["mtls"]),
      grantsByName: new Map([
        ["spiffe://kato/writer", { processors: ["p1"], scope: "write" as const }],
        ["reader.example", { processors: ["*"], scope: "read" as const }],
        ["alice", { processors: ["*"], scope: "write" as const }],
      ]),
      proxy: {
        header: "x-user",
        addresses: addressList([], () => assert.fail()),
        certificates: new Set(["proxy.example"]),
      },
    },
  });
  url = await gateway.listen();
});
after(() => gateway?.close());

type Certificate = Parameters<Authority["issue"]>[0];

async function learn(
  certificate: Certificate | undefined,
  by = authority,
  headers: Record<string, string> = {},
) {
  const client = certificate && (await by.issue(certificate));
  const request = open(`${url}/p1/learn`, {
    method: "POST",
    ca: authority.cert,
    agent: false,
    headers,
    ...client,
  });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { type } = (await json(response)) as { type: string };
  return [response.statusCode, type.replace("urn:kato:problem:", "")];
}

/** It has passed, and there is no NATS in this test. */
const passed = [503, "nats-unavailable"];
const unauthenticated = [401, "unauthenticated"];

test("the principal is the certificate's name that the grants have", async () => {
  assert.deepEqual(await learn({ name: "w", uris: ["spiffe://kato/writer"] }), passed);
  assert.deepEqual(
    await learn({ name: "w", dns: ["other.example"], uris: ["spiffe://kato/writer"] }),
    passed,
  );
  assert.deepEqual(await learn({ name: "r", dns: ["reader.example"] }), [403, "forbidden"]);
});

test("no certificate, or one that does not count, is a 401", async () => {
  assert.deepEqual(await learn(undefined), unauthenticated);
  assert.deepEqual(await learn({ name: "spiffe://kato/writer" }), unauthenticated, "a subject is no name");
  assert.deepEqual(await learn({ name: "x", dns: ["nobody.example"] }), unauthenticated);
  const writer = { name: "w", uris: ["spiffe://kato/writer"] };
  assert.deepEqual(await learn({ ...writer, expired: true }), unauthenticated);
  assert.deepEqual(await learn(writer, stranger), unauthenticated);
});

test("a proxy is proved by its certificate, and names its clients", async () => {
  const proxy = { name: "proxy", dns: ["proxy.example"] };
  assert.deepEqual(await learn(proxy, authority, { "x-user": "alice" }), passed);
  assert.deepEqual(await learn(proxy, authority, { "x-user": "bob" }), unauthenticated);
  assert.deepEqual(await learn(proxy), unauthenticated);
  const other = { name: "other", dns: ["other.example"] };
  assert.deepEqual(await learn(other, authority, { "x-user": "alice" }), unauthenticated);
});

test("a name that looks like several in the certificate is none", async () => {
  assert.deepEqual(
    await learn({ name: "x", uris: ["spiffe://x, URI:spiffe://kato/writer"] }),
    unauthenticated,
  );
});
