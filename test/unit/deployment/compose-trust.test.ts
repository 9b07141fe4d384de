import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { settingNames } from "../../../libs/config/setting-names.ts";
import type { ComposeService } from "../../fixtures/compose-files.ts";
import { composeFiles, networksIn, servicesTogether } from "../../fixtures/compose-files.ts";

// Who reaches whom, who knows which secret, and what each may do (docs/security.md).

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const added = ["kato", "monitoring"].map((name) => `deploy/docker-compose.${name}.yml`);
const single = servicesTogether(["docker-compose.yml", "deploy/docker-compose.discovery.yml", ...added]);
const cluster = servicesTogether(["deploy/docker-compose.cluster.yml", ...added]);
const topologies = [single, cluster];
/** Those of the simulators, which KATO replaces, are here too. */
const all = [...topologies, servicesTogether(["docker-compose.yml"])].flatMap((services) => [...services]);

/** `nats-1` is a `nats`, `kato-p2` a `kato`. */
const kindOf = (name: string) => name.replace(/-p?\d+$/, "");
const isOurs = ({ image }: ComposeService) => /\/(gateway|worker|discovery):/.test(image);

test("NATS is reached by gateways and workers alone, and MongoDB by instances alone", () => {
  for (const services of topologies) {
    const kindsIn = (network: string) => {
      const names = [...services].filter(([, { networks = [] }]) => networks.includes(network));
      return [...new Set(names.map(([name]) => kindOf(name)))].sort();
    };
    assert.deepEqual(kindsIn("nats"), ["gateway", "nats", "worker"]);
    assert.deepEqual(kindsIn("mongodb"), ["kato", "mongodb"]);
    assert.deepEqual(kindsIn("monitoring"), ["gateway", "prometheus", "worker"]);
    assert.deepEqual(kindsIn("grafana"), ["grafana", "prometheus"]);
    const others = services === single ? ["discovery"] : [];
    assert.deepEqual(kindsIn("kato-network"), [...others, "gateway", "kato", "worker"]);
    for (const [name, { networks = [], network_mode: mode }] of services) {
      const own = networks.filter((network) => network === kindOf(name));
      if (["nats", "mongodb"].includes(kindOf(name))) assert.deepEqual(networks, own, name);
      assert.ok(networks.length > 0 || mode === "none", `${name} is in compose's default network`);
    }
  }
});

test("no network but those of published ports, instances and balancers has a way out, and all are declared", () => {
  for (const file of composeFiles) {
    for (const [name, network] of Object.entries(networksIn(file))) {
      const isInner = ["mongodb", "monitoring", "docker-proxy"].includes(name);
      const isClusters = name === "nats" && file.includes("cluster");
      assert.equal(network?.internal === true, isInner || isClusters, `${file}: ${name}`);
      assert.equal(network?.name, name === "kato-network" ? name : undefined, file);
    }
  }
});

test("what is published is published on 127.0.0.1; one setting opens the gateway's port", () => {
  const published = all.flatMap(([, { ports = [] }]) => ports);
  assert.ok(published.length >= 6);
  for (const port of published) assert.match(port, /^(127\.0\.0\.1|\$\{GATEWAY_PUBLISH:-127\.0\.0\.1\}):/);
  for (const services of topologies) {
    const open = [...services].filter(([, { ports = [] }]) => ports.join().includes("GATEWAY_PUBLISH"));
    assert.deepEqual(
      open.map(([name]) => name),
      [services === single ? "gateway" : "balancer"],
    );
  }
});

test("the containers run without root, without capabilities, and write nothing but their data", () => {
  for (const [name, { cap_drop, cap_add, security_opt, read_only, user, image }] of all) {
    assert.deepEqual(cap_drop, ["ALL"], name);
    assert.deepEqual(security_opt, ["no-new-privileges:true"], name);
    assert.deepEqual(cap_add, name === "setup" ? ["CHOWN", "DAC_OVERRIDE"] : [], name);
    // KATO's image and Grafana's write beside their data, as far as is known.
    const mayWrite = image.includes("/kato:") || name === "grafana";
    assert.equal(read_only === true, !mayWrite, name);
    if (kindOf(name) === "nats") assert.equal(user, "4222:4222");
    if (user === "root") assert.ok(["setup", "docker-proxy"].includes(name), name);
  }
});

test("secrets are in files: no service has one in a variable or an argument, and each has its own alone", () => {
  for (const [name, { environment = {}, command = [], entrypoint = [], volumes = [] }] of all) {
    const told = JSON.stringify([Object.values(environment), command, entrypoint]);
    // The setup takes over those of an older installation.
    if (name !== "setup") assert.doesNotMatch(told, /PASSWORD|:\/\/\w+:[^/]*@/, name);
    for (const value of name === "setup" ? Object.values(environment) : []) {
      assert.match(value, /^\$\{\w+:-\}$/, "a default that everybody knows");
    }
    const secrets = volumes.filter((volume) => volume.includes("-secrets:"));
    if (name === "setup") continue;
    const kind = kindOf(name);
    const own = ["nats", "gateway", "worker", "grafana", "discovery", "prometheus"].includes(kind);
    assert.deepEqual(secrets, own ? [`${kind}-secrets:/run/secrets/${kind}:ro`] : [], name);
  }
});

test("the files that services are told to read are those that the setup writes, for the users that they run as", () => {
  const script = read("deploy/setup/setup.sh");
  const [, nats = "", node = "", grafana = ""] =
    /^nats=(\d+) node=(\d+) grafana=(\d+) prometheus=65534$/m.exec(script) ?? [];
  assert.equal(single.get("nats")?.user, `${nats}:${nats}`);
  const written = [...script.matchAll(/"(\w+)\/([\w-]+):\$(\w+)"/g)].map(([, ...place]) => place.join(" "));
  const ofGateway = ["nats-password", "admin-key", "discovery-key", "prometheus-key"];
  const needed = [
    ...ofGateway.map((file) => `gateway ${file} node`),
    ...["worker nats-password node", "discovery gateway-key node", "prometheus gateway-key prometheus"],
  ];
  assert.match(script, /^ {2}keys=\/secrets\/gateway\/program-keys$/m);
  const users = [...read("deploy/nats/users.conf").matchAll(/^ +user: (\w+)$/gm)].map(([, user]) => user);
  assert.deepEqual(users, ["gateway", "worker"]);
  const ofBackups = [...read("deploy/nats/backup-users.conf").matchAll(/^ +user: (\w+)$/gm)].map(
    ([, user]) => user,
  );
  const ofNats = [...users, ...ofBackups, "route"].map((user) => `nats ${user} nats`);
  assert.deepEqual(written.sort(), [...needed, ...ofNats, "grafana admin-password grafana"].sort());
  assert.deepEqual([node, grafana], ["1000", "472"]);
  for (const services of topologies) {
    const mounted = services.get("setup")?.volumes?.filter((volume) => volume.includes(":/secrets/"));
    const some = ["nats", "gateway", "worker", "grafana", "prometheus"];
    const folders = services.has("discovery") ? [...some, "discovery"] : some;
    assert.deepEqual(
      mounted?.toSorted(),
      folders.map((folder) => `${folder}-secrets:/secrets/${folder}`).sort(),
    );
  }
  for (const [name, { environment = {} }] of all) {
    for (const [, file = ""] of Object.entries(environment).filter(([key]) => /_FILE$/.test(key))) {
      const [, folder, secret] = /^\/run\/secrets\/(\w+)\/([\w-]+)$/.exec(file) ?? [];
      assert.ok(
        secret === "program-keys" || written.some((place) => place.startsWith(`${folder} ${secret} `)),
        `${name}: ${file}`,
      );
    }
    const user = /^nats:\/\/(.*?)@/.exec(environment.NATS_URL ?? "")?.[1];
    if (environment.NATS_URL !== undefined) assert.equal(user, kindOf(name));
  }
});

test("the compose files set only settings that exist", () => {
  const known = new Set<string>([...settingNames, "KATO_PROCESSORS"]);
  for (const name of ["NATS_PASSWORD_FILE", "GATEWAY_AUTH", "GATEWAY_ADMIN_KEY_FILE"]) known.add(name);
  for (const [name, service] of all.filter(([, each]) => isOurs(each) || each.image.includes("simulator"))) {
    const unknown = Object.keys(service.environment ?? {}).filter((setting) => !known.has(setting));
    assert.deepEqual(unknown, [], name);
  }
});
