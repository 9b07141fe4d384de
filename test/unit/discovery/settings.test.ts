import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment } from "../../../libs/config/environment.ts";
import { discoverySettings } from "../../../services/discovery/settings.ts";

const discovery = (variables: Record<string, string>) => discoverySettings(new Environment(variables));
const addressOf = (DOCKER_HOST: string) => discovery({ DISCOVERY: "docker", DOCKER_HOST }).docker?.address;

test("where only what to watch is set, everything else has its default", () => {
  const { host, port, docker, kubernetes, listEveryMs, forgetMs } = discovery({ DISCOVERY: "docker" });
  assert.deepEqual(
    { host, port, docker, kubernetes, listEveryMs, forgetMs },
    {
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
    KUBERNETES_KIND: "deployments",
  };
  assert.throws(
    () => discovery(wrong),
    ({ message }: Error) =>
      [...Object.keys(wrong).slice(1), "KUBECONFIG"].every((name) => message.includes(name)),
  );
});
