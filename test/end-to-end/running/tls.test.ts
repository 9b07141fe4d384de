import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { waitForGateway } from "../../../scripts/start/ready.ts";
import { createAuthority, local, writeCertificate } from "../../fixtures/certificates.ts";
import type { DockerApi } from "../../fixtures/docker-api.ts";
import { startDockerApi } from "../../fixtures/docker-api.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { startProgram } from "../../fixtures/processes.ts";
import type { Service } from "../../fixtures/services.ts";
import { startDiscovery, startGateway, startSimulatorProcess, startWorker } from "../../fixtures/services.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import type { TlsProxy } from "../../fixtures/tls-proxy.ts";
import { startTlsProxy } from "../../fixtures/tls-proxy.ts";
import { until } from "../../fixtures/until.ts";

// Everything with TLS: clients to the gateway, all services to NATS, and the worker to an instance.

const folder = temporaryFolder({ after });
let nats: TestNatsServer;
let instance: Service;
let proxy: TlsProxy;
let gateway: Service;
let worker: Service;
let docker: DockerApi;
let discovery: Service;
let send: Send;
let env: NodeJS.ProcessEnv;

before(async () => {
  const authority = await createAuthority();
  const ca = join(folder, "ca.crt");
  writeFileSync(ca, authority.cert);
  const server = writeCertificate(folder, await authority.issue(local), "server");
  const client = writeCertificate(folder, await authority.issue({ name: "service" }), "client");
  const password = join(folder, "password");
  writeFileSync(password, "p@ss w/rd\n");
  nats = await startNats({
    config: [
      `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true }`,
      'authorization { users [{ user: me, password: "p@ss w/rd" }] }',
    ],
  });
  instance = await startSimulatorProcess({ MANIFEST: '{"id": "p1"}' });
  proxy = await startTlsProxy(instance.port, await authority.issue(local));
  env = {
    NATS_URL: `tls://me@localhost:${nats.port}`,
    NATS_PASSWORD_FILE: password,
    NATS_CA_FILE: ca,
    NATS_CERT_FILE: client.cert,
    NATS_KEY_FILE: client.key,
    INSTANCE_CA_FILE: ca,
  };
  gateway = await startGateway({
    env: {
      ...env,
      GATEWAY_TLS_CERT_FILE: server.cert,
      GATEWAY_TLS_KEY_FILE: server.key,
      // Its id is not said, so the gateway asks the instance for it.
      KATO_PROCESSORS: JSON.stringify([{ grpc_endpoint: `localhost:${proxy.port}`, grpc_tls: true }]),
    },
  });
  worker = await startWorker({ env });
  docker = await startDockerApi();
  discovery = await startDiscovery({
    env: {
      GATEWAY_URL: `https://127.0.0.1:${gateway.port}`,
      GATEWAY_CA_FILE: ca,
      DISCOVERY: "docker",
      DOCKER_HOST: docker.url,
    },
  });
  send = sendTo(`https://127.0.0.1:${gateway.port}`, 30_000, authority.cert);
});
after(async () => {
  for (const each of [discovery, docker, worker, gateway, proxy, instance, nats]) await each?.stop();
});

const untilItIs = (state: string) =>
  until(`it is ${state}`, async () => {
    const { json } = await send("GET", "/processors/p1");
    return json.state === state && json;
  });

test("a command goes over TLS all the way", async () => {
  const { grpc_tls, source } = await untilItIs("ready");
  assert.deepEqual([grpc_tls, source], [true, "environment"]);
  const { status, json, text } = await send("POST", "/p1/observe", { strings: ["hello"] });
  assert.deepEqual([status, json.status], [200, "okay"], text);
  await until("discovery reaches the gateway", async () => {
    return (await sendTo(discovery.url)("GET", "/health")).status === 200;
  });
});

test("a change of grpc_tls connects anew, without it a change of an entry leaves it, and a failure is told", async () => {
  const endpoint = `localhost:${proxy.port}`;
  const put = async (body: object) => (await send("PUT", "/processors/p1", body)).json.grpc_tls;
  assert.equal(await put({ grpc_endpoint: `localhost:${instance.port}`, grpc_tls: false }), false);
  await until("the proxy is left", () => proxy.connections === 0);
  await untilItIs("ready");
  assert.equal(await put({ grpc_endpoint: `localhost:${instance.port}`, grpc_tls: true }), true);
  await until("it is told", async () =>
    /TLS with its instance fails: .*no TLS/.test(String((await untilItIs("down")).reason)),
  );
  assert.equal(await put({ grpc_endpoint: endpoint }), true);
  await untilItIs("ready");
  assert.equal(proxy.connections, 1);
  const wrong = await send("PUT", "/processors/p1", { grpc_endpoint: endpoint, grpc_tls: "yes" });
  assert.equal(wrong.status, 422);
});

test("the health check of the gateway's image passes, and npm start would see that it is ready", async () => {
  await waitForGateway(`https://127.0.0.1:${gateway.port}`, new AbortController().signal);
  const dockerfile = readFileSync(resolve(import.meta.dirname, "../../../Dockerfile.gateway"), "utf8");
  const [, , ...args]: string[] = JSON.parse(/^HEALTHCHECK .* CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]");
  for (const [GATEWAY_TLS_CERT_FILE, ended] of [
    ["set", "exit code 0"],
    ["", "exit code 1"],
  ] as const) {
    const port = String(gateway.port);
    const check = startProgram({
      name: "health check",
      command: process.execPath,
      args: ["-e", ...args],
      env: { GATEWAY_PORT: port, GATEWAY_TLS_CERT_FILE },
    });
    assert.equal(await check.exited, ended, check.output());
  }
});

test("a backup is taken over TLS", async () => {
  const started = startProgram({
    name: "backup",
    command: process.execPath,
    args: [resolve(import.meta.dirname, "../../../scripts/backup.ts"), join(folder, "backup")],
    env,
  });
  await started.exited;
  assert.match(started.output(), /none was paused for longer/);
});
