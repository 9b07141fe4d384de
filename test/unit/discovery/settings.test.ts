import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { discoverySettings } from "../../../services/discovery/settings.ts";

const discovery = (variables: Record<string, string>) => discoverySettings(new Environment(variables));
const addressOf = (DOCKER_HOST: string) => discovery({ DISCOVERY: "docker", DOCKER_HOST }).docker?.address;

test("where only what to watch is set, everything else has its default", () => {
  assert.deepEqual(
    { ...discovery({ DISCOVERY: "docker" }) },
    {
      gateway: { urls: ["http://127.0.0.1:8000"], keyFile: undefined, caFile: undefined },
      host: "0.0.0.0",
      port: 9465,
      docker: { address: { socketPath: "/var/run/docker.sock" }, network: undefined },
      kubernetes: undefined,
      listEveryMs: 30_000,
      forgetMs: 60_000,
    },
  );
});

test("discovery watches one source or both", () => {
  const kubernetes = { kubeconfig: undefined, namespace: undefined, kind: "services" };
  const inCluster = { KUBERNETES_SERVICE_HOST: "10.96.0.1" };
  const both = discovery({ DISCOVERY: "docker, kubernetes", ...inCluster });
  assert.deepEqual(both.kubernetes, kubernetes);
  assert.ok(both.docker);
  const one = discovery({ DISCOVERY: "kubernetes", DOCKER_HOST: "ssh://elsewhere", ...inCluster });
  assert.equal(one.docker, undefined, "what is not watched needs no settings");
});

test("a Docker engine is reached by a socket or a port", () => {
  assert.deepEqual(addressOf("unix:///run/user/1000/docker.sock"), {
    socketPath: "/run/user/1000/docker.sock",
  });
  assert.deepEqual(addressOf("tcp://socket-proxy:2376"), { host: "socket-proxy", port: 2376 });
  assert.deepEqual(addressOf("tcp://socket-proxy"), { host: "socket-proxy", port: 2375 });
  assert.deepEqual(addressOf("tcp://[::1]:2376/"), { host: "::1", port: 2376 });
  for (const wrong of [
    "ssh://host",
    "https://host:2376",
    "unix://",
    "unix://run",
    "/run/docker.sock",
    "tcp://",
  ]) {
    assert.throws(() => addressOf(wrong), /wrong settings: DOCKER_HOST must be unix/, wrong);
  }
});

test("gateways are reached by URLs, and files have to be there", () => {
  const { gateway } = discovery({
    DISCOVERY: "docker",
    GATEWAY_URL: "http://gateway-1:8000, https://kato.example/api/",
    GATEWAY_KEY_FILE: import.meta.filename,
  });
  assert.deepEqual(gateway, {
    urls: ["http://gateway-1:8000", "https://kato.example/api/"],
    keyFile: import.meta.filename,
    caFile: undefined,
  });
  for (const GATEWAY_URL of [
    "gateway:8000",
    "ftp://gateway",
    "http://user:secret@gateway",
    "https://",
    "http://a?b",
  ]) {
    assert.throws(
      () => discovery({ DISCOVERY: "docker", GATEWAY_URL }),
      ({ message }: Error) => /GATEWAY_URL must be like/.test(message) && !message.includes("secret"),
      GATEWAY_URL,
    );
  }
});

test("all that is wrong is named in one error", () => {
  for (const DISCOVERY of ["", ",", "podman", "docker,podman"]) {
    assert.throws(() => discovery({ DISCOVERY }), /DISCOVERY must be docker, kubernetes or both/, DISCOVERY);
  }
  const wrong = {
    DISCOVERY: "docker,kubernetes,",
    DISCOVERY_PORT: "x",
    DISCOVERY_LIST_MS: "1",
    DISCOVERY_FORGET_MS: "-1",
    DOCKER_HOST: "ssh://host",
    GATEWAY_URL: "gateway",
    GATEWAY_KEY_FILE: "/nonexistent/key",
    GATEWAY_CA_FILE: import.meta.dirname,
    KUBERNETES_KIND: "deployments",
  };
  assert.throws(
    () => discovery(wrong),
    ({ message }: Error) =>
      [...Object.keys(wrong).slice(1), "KUBECONFIG"].every((name) => message.includes(name)),
  );
});
