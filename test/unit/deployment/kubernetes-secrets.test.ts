import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import type { V1Secret } from "@kubernetes/client-node";
import type { Workload } from "../../fixtures/kubernetes-manifests.ts";
import { containersOf, ofKind, render, workloadsIn } from "../../fixtures/kubernetes-manifests.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const objects = [...render("deploy/kubernetes/demo"), ...render("deploy/kubernetes/monitoring")];
const workloads = workloadsIn(objects);
const docs = read("docs/kubernetes.md");

/** The files that a workload has of Secrets: where each is, and of which key of which Secret. */
function secretFilesOf(workload: Workload): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name, projected, secret } of workload.spec?.template.spec?.volumes ?? []) {
    assert.equal(secret, undefined, "a Secret as a whole");
    const mounts = containersOf(workload).flatMap(({ volumeMounts = [] }) => volumeMounts);
    const mount = mounts.find((each) => each.name === name);
    if (projected) assert.deepEqual([mount?.readOnly, projected.defaultMode], [true, 0o440]);
    for (const { secret: source } of projected?.sources ?? []) {
      for (const { key, path } of source?.items ?? [])
        files.set(`${mount?.mountPath}/${path}`, `${source?.name} ${key}`);
    }
  }
  return files;
}

test("no manifest has a secret in it, and the documentation makes each that is used", () => {
  assert.deepEqual(ofKind<V1Secret>(objects, "Secret"), []);
  const passwords =
    /^for user in ([A-Z ]+); do echo "NATS_\$\{user\}_PASSWORD=\$\(openssl rand .*\n.* generic (nats-[a-z-]+)/gm;
  const made = [...docs.matchAll(passwords)].flatMap(([, users = "", secret]) =>
    users.split(" ").map((user) => `${secret} NATS_${user}_PASSWORD`),
  );
  assert.match(
    docs,
    /^echo "GATEWAY_ADMIN_KEY=kato_admin_\$\(openssl rand -base64 32 .*\)" \|\n.* gateway-admin-key /m,
  );
  const used = new Set(workloads.flatMap((workload) => [...secretFilesOf(workload).values()]));
  const [, literals = ""] = /create secret generic gateway-program-keys ([^`]*)/.exec(docs) ?? [];
  const ofPrograms = [...literals.matchAll(/--from-literal=(\w+)=/g)].map(
    ([, name]) => `gateway-program-keys ${name}`,
  );
  // Prometheus has its key by its monitor.
  const mounted = ofPrograms.filter((name) => !name.endsWith(" PROMETHEUS_KEY"));
  assert.equal(mounted.length, ofPrograms.length - 1);
  assert.deepEqual([...used].sort(), [...made, ...mounted, "gateway-admin-key GATEWAY_ADMIN_KEY"].sort());
});

test("NATS has its users with their passwords, and gateways and workers have their own alone", () => {
  const users = [...read("deploy/nats/users.conf").matchAll(/user: (\w+)\s+password: \$(\w+)/g)];
  assert.equal(users.length, 2);
  const named = (name: string) => {
    const found = workloads.find(({ metadata }) => metadata?.name === name);
    assert.ok(found, name);
    return found;
  };
  const ofNats = [
    ...users.map(([, user, password]) => [user, `nats-passwords ${password}`]),
    ["route", "nats-passwords NATS_ROUTE_PASSWORD"],
    ...["backup", "restore"].map((user) => [
      user,
      `nats-backup-passwords NATS_${user.toUpperCase()}_PASSWORD`,
    ]),
  ];
  assert.deepEqual(
    secretFilesOf(named("nats")),
    new Map(ofNats.map(([user, secret]) => [`/run/secrets/nats/${user}`, secret])),
  );
  const sources = named("nats").spec?.template.spec?.volumes?.flatMap(
    (each) => each.projected?.sources ?? [],
  );
  const optional = sources?.filter(({ secret }) => secret?.optional).map(({ secret }) => secret?.name);
  assert.deepEqual(optional, ["nats-backup-passwords"], "it starts without those of backups");
  for (const [, user = "", password = ""] of users) {
    const { env = [] } = containersOf(named(user))[0] ?? {};
    const settingOf = (name: string) => env.find((variable) => variable.name === name)?.value ?? "";
    const files = secretFilesOf(named(user));
    assert.equal(settingOf("NATS_URL"), `nats://${user}@$(NATS_SERVERS)`);
    assert.equal(files.get(settingOf("NATS_PASSWORD_FILE")), `nats-passwords ${password}`);
    if (user === "worker") assert.equal(files.size, 1);
    else assert.equal(files.get(settingOf("GATEWAY_ADMIN_KEY_FILE")), "gateway-admin-key GATEWAY_ADMIN_KEY");
    if (user === "gateway") assert.deepEqual([settingOf("GATEWAY_AUTH"), files.size], ["keys", 3]);
  }
  for (const workload of workloads) {
    const hasSome = secretFilesOf(workload).size > 0;
    assert.equal(hasSome, ["nats", "gateway", "worker", "discovery"].includes(workload.metadata?.name ?? ""));
  }
});
